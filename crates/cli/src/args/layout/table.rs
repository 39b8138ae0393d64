//! Tables of the help: which flags belong together, which have an effect on a command, and examples.

/// Flags that set a run up, by what they are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::args) enum Set {
    /// Which rows are planned.
    Plan,
    /// Which model answers.
    Model,
    /// How the model is reached.
    Connection,
    /// What may be spent.
    Spending,
    /// How fast it goes.
    Pace,
    /// What is written.
    Dataset,
    /// What the rehearsal does.
    Rehearsal,
}

/// Whether `-h` shows a flag, or only `--help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::args) enum Help {
    Short,
    Long,
}

use Help::{Long, Short};

/// A heading, and its flags.
pub(in crate::args) type Flags = (Set, &'static str, &'static [(&'static str, Help)]);

pub(in crate::args) const SETS: [Flags; 7] = [
    (
        Set::Plan,
        "Plan options",
        &[
            ("part", Short),
            ("limit", Short),
            ("sample", Short),
            ("shard", Short),
            ("languages", Short),
            ("seed", Short),
            ("resources", Short),
            ("extraction", Long),
        ],
    ),
    (
        Set::Model,
        "Model options",
        &[
            ("backend", Short),
            ("model", Short),
            ("role", Short),
            ("price", Long),
            ("profile", Long),
            ("command", Long),
            ("context", Long),
            ("stop", Long),
        ],
    ),
    (
        Set::Connection,
        "Connection options",
        &[
            ("base_url", Short),
            ("timeout", Long),
            ("no_schema", Long),
            ("no_seed", Long),
            ("token_parameter", Long),
            ("backend_option", Long),
        ],
    ),
    (Set::Spending, "Spending options", &[("max_cost", Short), ("yes", Short)]),
    (
        Set::Pace,
        "Pace options",
        &[
            ("jobs", Short),
            ("rows_per_job", Long),
            ("window", Long),
            ("concurrency", Long),
            ("requests_per_minute", Long),
            ("tokens_per_minute", Long),
            ("tier", Long),
            ("queued_tokens", Long),
        ],
    ),
    (
        Set::Dataset,
        "Dataset options",
        &[
            ("eval", Short),
            ("gate", Short),
            ("split", Long),
            ("title", Long),
            ("license", Long),
            ("keep_reasoning", Long),
        ],
    ),
    (Set::Rehearsal, "Rehearsal options", &[("misbehave", Long)]),
];

/// Flags without a heading of their own: they are among the options of their command.
pub(in crate::args) const SINGLE: [(&str, Help); 4] =
    [("out", Long), ("work", Long), ("json", Short), ("accept_change", Short)];

/// A command in the help.
#[derive(Debug)]
pub(in crate::args) struct Entry {
    /// Name.
    pub(in crate::args) name: &'static str,
    /// Sets of flags that have an effect.
    pub(in crate::args) sets: &'static [Set],
    /// Other flags that have one.
    pub(in crate::args) flags: &'static [&'static str],
    /// Examples: the command line, and what it does.
    pub(in crate::args) examples: &'static [(&'static str, &'static str)],
}

/// A group of commands.
#[derive(Debug)]
pub(in crate::args) struct Group {
    /// Heading.
    pub(in crate::args) title: &'static str,
    /// Its commands.
    pub(in crate::args) commands: &'static [Entry],
}

const ALL: &[Set] = &[
    Set::Plan,
    Set::Model,
    Set::Connection,
    Set::Spending,
    Set::Pace,
    Set::Dataset,
    Set::Rehearsal,
];
const CONTINUE: &[Set] = &[Set::Connection, Set::Spending, Set::Pace, Set::Dataset];

const fn entry(
    name: &'static str,
    sets: &'static [Set],
    flags: &'static [&'static str],
    examples: &'static [(&'static str, &'static str)],
) -> Entry {
    Entry { name, sets, flags, examples }
}

/// All commands, in the order of the help.
pub(in crate::args) const GROUPS: &[Group] = &[
    Group {
        title: "Make",
        commands: &[
            entry(
                "build",
                ALL,
                &["out", "work", "json", "accept_change"],
                &[
                    ("clinstruct build --limit 20", "rehearse: seconds, offline, free"),
                    (
                        "clinstruct build large --backend openai --model gpt-4o --max-cost 450",
                        "a real run; asks before it spends",
                    ),
                    (
                        "clinstruct build local --backend chat --model m --base-url http://127.0.0.1:8000/v1",
                        "your own server",
                    ),
                    (
                        "clinstruct build third --shard 3/8",
                        "one of eight shares, on one of eight machines",
                    ),
                ],
            ),
            entry(
                "merge",
                &[Set::Dataset],
                &["out", "work", "json", "jobs", "resources"],
                &[(
                    "clinstruct merge shard-1 shard-2 shard-3 shard-4 --out large",
                    "the dataset of all four; sends nothing",
                )],
            ),
            entry(
                "estimate",
                &[Set::Plan, Set::Model],
                &["out", "json"],
                &[
                    ("clinstruct estimate --model gpt-4o", "the whole set in batches"),
                    ("clinstruct estimate --model gpt-4.1-mini --limit 200", "a part of it"),
                ],
            ),
            entry(
                "try",
                &[Set::Plan, Set::Model, Set::Connection, Set::Rehearsal],
                &["out", "yes"],
                &[
                    ("clinstruct try", "one conversation of the grammar"),
                    (
                        "clinstruct try --backend openai --model gpt-4o --yes",
                        "one of a model, which costs some cents",
                    ),
                ],
            ),
            entry(
                "resume",
                CONTINUE,
                &["out", "work", "json", "accept_change"],
                &[
                    ("clinstruct resume large", "after Ctrl-C or a crash"),
                    ("clinstruct resume large --max-cost 500", "with a higher limit"),
                ],
            ),
            entry(
                "retry",
                CONTINUE,
                &["out", "work", "json", "accept_change"],
                &[("clinstruct retry large --failed", "request again what failed")],
            ),
            entry(
                "submit",
                ALL,
                &["out", "work", "json", "accept_change"],
                &[(
                    "clinstruct submit large --backend openai --model gpt-4o --yes",
                    "send a batch, then exit",
                )],
            ),
            entry(
                "collect",
                &[Set::Connection],
                &["out", "work", "json"],
                &[("clinstruct collect large", "fetch what has ended since `submit`")],
            ),
            entry(
                "reparse",
                &[Set::Dataset],
                &["out", "work", "json", "jobs", "resources"],
                &[("clinstruct reparse large", "after an update of clinstruct")],
            ),
            entry("parse", &[], &["out", "work", "json"], &[("clinstruct parse large", "")]),
            entry(
                "situations",
                &[Set::Dataset],
                &["out", "work", "json"],
                &[("clinstruct situations large", "")],
            ),
            entry(
                "conversations",
                &[Set::Dataset],
                &["out", "work", "json"],
                &[(
                    "clinstruct conversations large --split 0.1,0.1",
                    "other shares for validation and test",
                )],
            ),
        ],
    },
    Group {
        title: "Monitor",
        commands: &[
            entry(
                "status",
                &[],
                &["out", "work", "json"],
                &[
                    ("clinstruct status", "the run in data/rehearsal"),
                    ("clinstruct status large --watch", "refresh until no job is open"),
                    ("clinstruct status large -v", "with the table of the summary"),
                ],
            ),
            entry("jobs", &[], &["out", "work", "json"], &[("clinstruct jobs large", "")]),
            entry(
                "cancel",
                &[Set::Connection],
                &["out", "backend", "model", "profile"],
                &[
                    ("clinstruct cancel large", "all open jobs"),
                    ("clinstruct cancel large clinstruct-1a2b3c-7", "one job"),
                ],
            ),
        ],
    },
    Group {
        title: "Inspect",
        commands: &[
            entry(
                "plan",
                &[Set::Plan],
                &["out", "json"],
                &[
                    ("clinstruct plan", "rows of each part"),
                    ("clinstruct plan --rows --limit 5", "planned rows as JSON"),
                ],
            ),
            entry(
                "requests",
                &[Set::Plan],
                &["out"],
                &[("clinstruct requests --limit 1", "what the prompt writer is sent")],
            ),
            entry(
                "turns",
                &[],
                &["out"],
                &[("clinstruct turns large", "what is still to be answered")],
            ),
            entry(
                "show",
                &[],
                &["out", "work", "json", "part", "seed"],
                &[
                    ("clinstruct show large", "three random conversations"),
                    (
                        "clinstruct show large --kind rejected --random 10",
                        "rows with their reasons",
                    ),
                ],
            ),
            entry(
                "serve",
                &[],
                &["out", "resources"],
                &[("clinstruct serve large", "read and review in a browser")],
            ),
            entry("reviews", &[], &["out", "json"], &[("clinstruct reviews large", "")]),
            entry("report", &[], &["out"], &[("clinstruct report large", "")]),
            entry("compare", &[], &[], &[("clinstruct compare first large --to compare.html", "")]),
            entry(
                "check",
                &[],
                &[],
                &[
                    ("clinstruct check chats.jsonl", "any chat dataset"),
                    ("clinstruct check large --gate", "the dataset of a run, for CI"),
                ],
            ),
        ],
    },
    Group {
        title: "Export",
        commands: &[
            entry(
                "export",
                &[],
                &["out", "json", "title", "license", "keep_reasoning"],
                &[
                    ("clinstruct export large --format messages", "JSONL for TRL or axolotl"),
                    ("clinstruct export large --only accepted", "only what reviewers accepted"),
                ],
            ),
            entry(
                "publish",
                &[],
                &["out", "json"],
                &[(
                    "clinstruct publish my-lab/clinical-chats large",
                    "a private repository at the hub",
                )],
            ),
        ],
    },
    Group {
        title: "Models",
        commands: &[
            entry(
                "model",
                &[],
                &[],
                &[
                    ("clinstruct model list", ""),
                    ("clinstruct model fetch smollm2-135m", "for the llama backend"),
                ],
            ),
            entry(
                "rehearse",
                &[Set::Rehearsal],
                &["seed", "resources"],
                &[(
                    "clinstruct rehearse batch.jsonl answers.jsonl",
                    "try a script around the command backend",
                )],
            ),
        ],
    },
    Group {
        title: "Other",
        commands: &[
            entry("completions", &[], &[], &[("clinstruct completions bash", "")]),
            entry("man", &[], &[], &[("clinstruct man --to man", "")]),
        ],
    },
];
