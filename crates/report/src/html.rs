//! Escapes text for HTML, and builds the page.

use std::fmt::Write as _;

/// Escaped text: nothing in it can be read as a tag, an entity or the end of an attribute.
pub(crate) fn text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// A number with spaces between thousands.
pub(crate) fn number(n: u64) -> String {
    clinstruct_schema::grouped(n, '\u{202f}')
}

/// A share in per cent.
pub(crate) fn percent(part: u64, of: u64) -> String {
    if of == 0 { "–".to_owned() } else { format!("{:.1} %", 100.0 * part as f64 / of as f64) }
}

/// A value in short form.
pub(crate) fn value(v: f64) -> String {
    if v.fract() == 0.0 && v.abs() < 1e15 {
        return format!("{v:.0}");
    }
    let short = format!("{v:.4}");
    short.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A table. Cells are HTML; `numbers` marks the numeric columns after the first.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>], numbers: bool) -> String {
    let class = if numbers { " class=\"numbers\"" } else { "" };
    let mut table = format!("<div class=\"wide\"><table{class}><thead><tr>");
    for cell in head {
        let _ = write!(table, "<th scope=\"col\">{}</th>", text(cell));
    }
    table.push_str("</tr></thead><tbody>");
    for row in rows {
        table.push_str("<tr>");
        for cell in row {
            let _ = write!(table, "<td>{cell}</td>");
        }
        table.push_str("</tr>");
    }
    table + "</tbody></table></div>\n"
}

/// A figure with its caption, and its data in a collapsible table.
pub(crate) fn figure(picture: &str, caption: &str, numbers: &str) -> String {
    let numbers = if numbers.is_empty() {
        String::new()
    } else {
        format!("<details><summary>Numbers</summary>{numbers}</details>")
    };
    format!("<figure>{picture}<figcaption>{}</figcaption>{numbers}</figure>\n", text(caption))
}

/// A section with an anchor for the table of contents.
pub(crate) fn section(id: &str, title: &str, body: &str) -> String {
    format!("<section id=\"{id}\"><h2>{}</h2>\n{body}</section>\n", text(title))
}

/// The page around its sections; `contents` are their ids and titles.
pub(crate) fn page(title: &str, contents: &[(&str, &str)], body: &str) -> String {
    let mut list = String::new();
    for (id, name) in contents {
        let _ = write!(list, "<li><a href=\"#{id}\">{}</a></li>", text(name));
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>{STYLE}</style></head>\n<body><header><h1>{title}</h1></header>\n\
         <nav aria-label=\"Contents\"><ul>{list}</ul></nav>\n<main>\n{body}</main></body></html>\n",
        title = text(title)
    )
}

/// The Okabe-Ito palette is distinguishable for colour-blind readers.
const STYLE: &str = "
:root { --paper: #fff; --ink: #1c2430; --soft: #5b6675; --line: #d5dae1; --panel: #f5f7f9; --a: #0072b2;
  --b: #e69f00; --c: #009e73; --d: #cc79a7; --e: #56b4e9; --bad: #b3261e;
  --h0: #eceff3; --h1: #c6dbef; --h2: #85bcdb; --h3: #3a8ac2; --h4: #0b559f; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181d; --ink: #e5e9ee; --soft: #9ba7b4; --line: #333c47;
  --panel: #1c2229; --a: #4ea6dc; --b: #f0b429; --c: #2cc299; --d: #dd92bd; --e: #8fd0f5; --bad: #ff8a80;
  --h0: #232a32; --h1: #17406a; --h2: #2468a2; --h3: #4a97d2; --h4: #9fd0f5; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 0 1rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 1.5rem 0 .5rem; } h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .5rem; }
nav { position: sticky; top: 0; background: var(--paper); border-bottom: 1px solid var(--line); z-index: 1; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; margin: 0; padding: .5rem 0; }
section { scroll-margin-top: 6rem; } a { color: var(--a); }
.banner { border-left: .4rem solid var(--b); background: var(--panel); padding: .6rem 1rem; margin: 1rem 0; }
.banner.bad { border-color: var(--bad); }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .75rem; margin: 1rem 0; }
.cards div { background: var(--panel); padding: .6rem .8rem; border-radius: .4rem; }
.cards b { display: block; font-size: 1.35rem; } .cards span { color: var(--soft); font-size: .9rem; }
.pair { columns: 22rem; column-gap: 1.5rem; } .pair figure { break-inside: avoid; margin: 0; padding-bottom: 1.25rem; }
figure { margin: 1rem 0; } figcaption { color: var(--soft); font-size: .9rem; }
svg { width: 100%; height: auto; display: block; font: 11px system-ui, sans-serif; }
svg text { fill: var(--ink); } svg .soft { fill: var(--soft); } svg .axis { stroke: var(--line); fill: none; }
.a { fill: var(--a); } .b { fill: var(--b); } .c { fill: var(--c); } .d { fill: var(--d); } .e { fill: var(--e); }
.h0 { fill: var(--h0); } .h1 { fill: var(--h1); } .h2 { fill: var(--h2); } .h3 { fill: var(--h3); } .h4 { fill: var(--h4); }
svg text.on { fill: var(--ink); } svg text.off { fill: var(--paper); }
.flow { fill-opacity: .45; } .trace { fill: none; stroke: var(--a); stroke-width: 2; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; margin: .5rem 0; }
th, td { border-bottom: 1px solid var(--line); padding: .2rem .7rem .2rem 0; text-align: left; vertical-align: top; }
.numbers td:not(:first-child), .numbers th:not(:first-child) { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.missed { color: var(--bad); font-weight: 600; } .key i { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 1em; }
.key .a { background: var(--a); } .key .b { background: var(--b); } .key .c { background: var(--c); } .key .d { background: var(--d); }
.chat { border: 1px solid var(--line); border-radius: .5rem; padding: .5rem 1rem; margin: 1rem 0; }
.chat p { white-space: pre-wrap; overflow-wrap: anywhere; margin: .4rem 0; padding: .5rem .7rem; border-radius: .4rem; background: var(--panel); }
.chat p.user { margin-right: 15%; } .chat p.assistant { margin-left: 15%; border-left: .25rem solid var(--a); }
.chat small { color: var(--soft); }
@media print { nav, details { display: none; } body { max-width: none; font-size: 11pt; } h2, h3, .key { break-after: avoid; }
  figure, tr, .chat p, .cards div { break-inside: avoid; } .key i, .banner, .cards div, .chat p { print-color-adjust: exact; } }
";
