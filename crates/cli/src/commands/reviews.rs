//! Reviews of a run: which count, and how far reviewers agree.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;

use clinstruct_schema::{SCHEMA_VERSION, counted};
use clinstruct_viewer::{MatchedReviews, Reviews, TextCounts, Texts, reviews_path};

use super::{print, print_err, print_json};
use crate::args::ReviewsArgs;
use crate::exit::{Code, usage};
use crate::settings;
use clinstruct_app::Setup;

/// The reviews of a run or of a file of rows, matched with the texts that the rows have now. With `confirm`, those
/// of unknown texts are confirmed first; how many these were.
fn matched(data: &Path, confirm: bool) -> clinstruct_app::Result<(MatchedReviews, u64)> {
    let home = if data.is_file() { data.parent().unwrap_or(Path::new(".")) } else { data };
    let path = reviews_path(home);
    if !path.exists() {
        return Err(usage(
            format!("nobody has reviewed the run in {}", data.display()),
            format!("review some conversations first: clinstruct serve {}", data.display()),
        ));
    }
    let texts = Texts::read(data)?;
    let (reviews, confirmed) = if confirm {
        let mut reviews = Reviews::open(&path)?;
        let confirmed = reviews.confirm(&texts)?;
        (reviews, confirmed)
    } else {
        (Reviews::read(&path)?, 0)
    };
    Ok((reviews.matched(&texts)?, confirmed))
}

/// Conversations that reviewers accepted, and the number of reviews behind that.
pub(crate) struct Accepted {
    pub(crate) ids: HashSet<String>,
    pub(crate) counts: TextCounts,
}

/// The conversations of a run whose current text somebody accepted and nobody rejected. Prints how many reviews count.
///
/// # Errors
/// No reviews, or none that lets a conversation through.
pub(crate) fn accepted(out: &Path) -> clinstruct_app::Result<Accepted> {
    let (matched, _) = matched(out, false)?;
    let accepted = Accepted { ids: matched.accepted(), counts: matched.counts() };
    let line = line(&accepted.counts);
    if accepted.ids.is_empty() {
        let hint = if accepted.counts.unknown > 0 {
            confirm_hint(out)
        } else {
            format!("review the current texts: clinstruct serve {}", out.display())
        };
        return Err(usage(format!("no conversation is accepted ({line})"), hint));
    }
    print_err(&format!("accepted conversations: {} ({line})", accepted.ids.len()));
    if accepted.counts.unknown > 0 {
        print_err(&format!("hint: {}", confirm_hint(out)));
    }
    Ok(accepted)
}

fn confirm_hint(out: &Path) -> String {
    format!(
        "if the run was not rebuilt after the reviews of unknown texts were saved, `clinstruct reviews {} --confirm` \
         makes them count",
        out.display()
    )
}

/// How many reviews count, and why the others do not.
fn line(counts: &TextCounts) -> String {
    let TextCounts { current, earlier, unknown, absent } = counts;
    format!(
        "reviews: {current} of current texts, {earlier} of earlier texts, {unknown} of unknown texts, \
         {absent} of rows that are not in the run"
    )
}

/// The same as JSON.
pub(crate) fn counts(counts: &TextCounts, accepted: usize) -> serde_json::Value {
    let mut value = serde_json::json!(counts);
    value["accepted"] = accepted.into();
    value
}

/// Shows how many reviews count and how far reviewers agree; with `--confirm`, after confirming.
pub(crate) fn reviews(args: ReviewsArgs) -> clinstruct_app::Result<Code> {
    let json = args.run.json;
    let data = match args.data {
        Some(data) => data,
        None => Setup::new(settings::own(args.run)?)?.out,
    };
    let (matched, confirmed) = matched(&data, args.confirm)?;
    let (all, accepted, agreement) =
        (matched.counts(), matched.accepted().len(), matched.agreement());
    if json {
        print_json(&serde_json::json!({
            "schema_version": SCHEMA_VERSION, "reviews": counts(&all, accepted), "agreement": agreement, "confirmed": confirmed,
        }))?;
        return Ok(Code::Done);
    }
    if args.confirm {
        print_err(&format!("{} confirmed", counted(confirmed, "review")));
    }
    let kappa = |k: Option<f64>| k.map_or_else(|| "-".to_owned(), |k| format!("{k:.2}"));
    let mut text = String::new();
    for (number, what) in [
        (all.current, "reviews of current texts"),
        (all.earlier, "reviews of earlier texts"),
        (all.unknown, "reviews of unknown texts"),
        (all.absent, "reviews of rows that are not in the run"),
        (accepted as u64, "accepted conversations"),
    ] {
        let _ = writeln!(text, "{number:>8}  {what}");
    }
    for (name, number) in &agreement.reviewers {
        let _ = writeln!(text, "{number:>8}  reviewed by {name}");
    }
    for (first, second, both, cohen) in &agreement.pairs {
        let _ = writeln!(
            text,
            "{both:>8}  reviewed by both {first} and {second}, Cohen's kappa {}",
            kappa(*cohen)
        );
    }
    if agreement.fleiss_rows > 0 {
        let (rows, fleiss) = (agreement.fleiss_rows, kappa(agreement.fleiss));
        let _ = writeln!(text, "{rows:>8}  reviewed by several, Fleiss' kappa {fleiss}");
    }
    print(&text)?;
    if all.unknown > 0 {
        print_err(&format!("hint: {}", confirm_hint(&data)));
    }
    Ok(Code::Done)
}
