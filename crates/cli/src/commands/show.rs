//! Shows records of a run.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use clinstruct_app::Context as _;
use clinstruct_draw::Draw;
use serde_json::Value;

use super::{print, print_json};
use crate::args::{Kind, RunArgs};
use crate::exit::{Code, usage};
use crate::settings;
use clinstruct_app::{Setup, now};

/// Prints one record, or random ones.
pub(crate) fn show(
    args: RunArgs,
    id: Option<&str>,
    random: usize,
    kind: Kind,
) -> clinstruct_app::Result<Code> {
    // A seed of the run is not one for what is shown.
    let seed = args.seed;
    let setup = Setup::to_look(settings::of_run_or_own(args)?)?;
    let wanted = |stem: &str, part: &str| {
        setup.settings.part.is_empty() || setup.settings.part.iter().any(|p| p == stem || p == part)
    };
    let files: Vec<PathBuf> = setup
        .catalog
        .parts
        .iter()
        .filter(|p| wanted(&p.stem, p.id.as_str()))
        .map(|p| setup.out.join(kind.folder()).join(format!("{}.jsonl", p.stem)))
        .filter(|path| path.exists())
        .collect();
    if files.is_empty() {
        return Err(usage(
            format!("there is no {}/ in {}", kind.folder(), setup.out.display()),
            "name the run's folder with --out, or make one with `clinstruct build`",
        ));
    }
    // Reservoir sampling: one pass, and no more rows in memory than are shown.
    let seed = seed.unwrap_or_else(|| now().unsigned_abs());
    let mut draw = Draw::new(seed, "show", kind.folder());
    let mut chosen: Vec<String> = Vec::new();
    let mut seen = 0;
    for path in &files {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        for line in BufReader::new(file).lines() {
            let line = line.with_context(|| format!("cannot read {}", path.display()))?;
            if kind == Kind::Dropped && line.contains("\"dropped\":null") {
                continue;
            }
            if let Some(id) = id {
                if line.starts_with(&format!("{{\"id\":\"{id}\"")) {
                    chosen.push(line);
                    break;
                }
                continue;
            }
            seen += 1;
            if chosen.len() < random {
                chosen.push(line);
            } else {
                let place = draw.below(seen);
                if let Some(slot) = chosen.get_mut(place) {
                    *slot = line;
                }
            }
        }
    }
    if let (Some(id), true) = (id, chosen.is_empty()) {
        return Err(usage(
            format!("there is no record \"{id}\" in {}/", kind.folder()),
            "try --kind rejected or --kind dropped, or leave the id out to see random ones",
        ));
    }
    for line in chosen {
        let record: Value = serde_json::from_str(&line).context("cannot read a record")?;
        if setup.settings.json {
            print_json(&record)?;
        } else {
            print(&pretty(&record)?)?;
        }
    }
    Ok(Code::Done)
}

fn pretty(record: &Value) -> clinstruct_app::Result<String> {
    let mut out = String::new();
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let _ = writeln!(out, "== {}", text(&record["id"]));
    if record["provenance"]["rehearsal"] == true {
        let _ = writeln!(out, "   REHEARSAL: written by a grammar");
    }
    if let Some(messages) = record["messages"].as_array() {
        let situation = &record["attributes"]["situation"];
        let styles: Vec<String> = ["asked_styles", "system_styles"]
            .iter()
            .flat_map(|k| situation[*k].as_array().into_iter().flatten())
            .map(|s| text(&s["id"]))
            .collect();
        let _ =
            writeln!(out, "   mode {}; styles: {}", text(&situation["mode"]), styles.join(", "));
        for message in messages {
            let _ = writeln!(out, "\n[{}]\n{}", text(&message["role"]), text(&message["content"]));
        }
    } else if let Some(prompt) = record["prompt"].as_str() {
        let _ = writeln!(out, "\n{prompt}");
    } else if record["reason"].is_string() {
        let _ = writeln!(
            out,
            "   {}: {} ({})",
            text(&record["stage"]),
            text(&record["reason"]),
            text(&record["detail"])
        );
    } else if let Some(dropped) = record["dropped"].as_object() {
        let _ = writeln!(
            out,
            "   {}: {} ({})",
            text(&dropped["pass"]),
            text(&dropped["reason"]),
            text(&dropped["detail"])
        );
    } else {
        let _ = writeln!(out, "{}", serde_json::to_string_pretty(record)?);
    }
    out.push('\n');
    Ok(out)
}
