//! What is wrong with a command line, in few words.

use std::ffi::OsString;

use clap::Command;
use clap::error::{ContextKind, ContextValue};
use clinstruct_catalog::is_near;

/// The error without suggestions that are not near to what was typed, and with the usage of the command as its help has it:
/// `clap` repeats in it what was typed, and what it suggests.
pub(super) fn in_short(
    mut wrong: clap::Error,
    program: &Command,
    words: &[OsString],
) -> clap::Error {
    for (given, suggested) in [
        (ContextKind::InvalidArg, ContextKind::SuggestedArg),
        (ContextKind::InvalidSubcommand, ContextKind::SuggestedSubcommand),
        (ContextKind::InvalidValue, ContextKind::SuggestedValue),
    ] {
        let Some(ContextValue::String(given)) = wrong.get(given) else { continue };
        let bare = |name: &str| name.trim_start_matches('-').to_owned();
        let given = bare(given.split('=').next().unwrap_or(given));
        let near = |name: &String| is_near(&given, &bare(name));
        let kept = match wrong.get(suggested) {
            Some(ContextValue::String(name)) => {
                Some(ContextValue::String(name.clone())).filter(|_| near(name))
            }
            Some(ContextValue::Strings(names)) => {
                let names: Vec<String> = names.iter().filter(|name| near(name)).cloned().collect();
                (!names.is_empty()).then_some(ContextValue::Strings(names))
            }
            _ => continue,
        };
        match kept {
            Some(kept) => wrong.insert(suggested, kept),
            None => wrong.remove(suggested),
        };
    }
    if wrong.get(ContextKind::Usage).is_some() {
        let usage = command_of(program, words).clone().render_usage();
        wrong.insert(ContextKind::Usage, ContextValue::StyledStr(usage));
    }
    wrong
}

/// The command that the words name; the program itself if they name none.
fn command_of<'c>(program: &'c Command, words: &[OsString]) -> &'c Command {
    let named = |command: &'c Command, word| command.find_subcommand(word).unwrap_or(command);
    words.iter().skip(1).fold(program, named)
}

#[cfg(test)]
mod tests {
    use clinstruct_app::Registry;

    use super::*;
    use crate::args::Cli;

    fn said(line: &str) -> String {
        let mut program = Cli::with(&Registry::default());
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let wrong = program.try_get_matches_from_mut(&words).unwrap_err();
        in_short(wrong, &program, &words).to_string()
    }

    #[test]
    fn only_near_names_are_suggested_and_the_usage_is_short() {
        let one = said("clinstruct build --wibble");
        assert!(!one.contains("--title") && one.contains("build [OPTIONS] [DIR]"), "{one}");
        let one = said("clinstruct --color never build --limti 3 --out run");
        assert!(one.contains("'--limit'") && one.contains("build [OPTIONS] [DIR]"), "{one}");
        let one = said("clinstruct build --limit 3 --sample 3 --out run");
        assert!(
            one.contains("cannot be used with") && one.contains("build [OPTIONS] [DIR]"),
            "{one}"
        );
        let one = said("clinstruct model fetch --sha265 x what");
        assert!(one.contains("'--sha256'") && one.contains("model fetch [OPTIONS]"), "{one}");
        let one = said("clinstruct biuld");
        assert!(one.contains("'build'"), "{one}");
        let one = said("clinstruct frobnicate");
        assert!(!one.contains("tip:"), "{one}");
    }
}
