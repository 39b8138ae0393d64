//! HTML pages and plain texts in place of a JSON error.

pub(crate) fn is_html(text: &str) -> bool {
    let start: String = text.trim_start().chars().take(400).collect::<String>().to_lowercase();
    start.starts_with('<')
        && ["<html", "<!doctype", "<head", "<body", "<title", "<center", "<h1", "<?xml", "<error"]
            .iter()
            .any(|tag| start.contains(tag))
}

/// Whether a short text sounds like an error that no rule knows.
pub(crate) fn names_trouble(text: &str) -> bool {
    let lower = text.to_lowercase();
    let words = [
        "error",
        "fail",
        "gateway",
        "upstream",
        "unavailable",
        "exception",
        "time",
        "refused",
        "denied",
    ];
    words.iter().any(|word| lower.contains(word))
}

/// Whether a text with status 200 is an HTML page, or comes from a server without such a path.
pub(crate) fn is_web_page(text: &str) -> bool {
    let lower = text.to_lowercase();
    let trouble = [
        "bad gateway",
        "gateway time",
        "service unavailable",
        "temporarily",
        "internal server error",
        "unknown error",
        "web server is",
        "timed out",
    ];
    if trouble.iter().any(|word| lower.contains(word)) {
        return false;
    }
    is_html(text)
        || [
            "not found",
            "unexpected endpoint",
            "no route",
            "cannot post",
            "cannot get",
            "login",
            "log in",
            "sign in",
            "is running",
        ]
        .iter()
        .any(|word| lower.contains(word))
}

/// The text of a page: its title, or the text between its tags; any other text unchanged.
pub(crate) fn page_text(text: &str) -> String {
    if !is_html(text) {
        return text.to_owned();
    }
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|at| {
        let from = at + lower.get(at..)?.find('>')? + 1;
        let to = from + lower.get(from..)?.find("</title")?;
        Some(text.get(from..to)?.trim().to_owned())
    });
    if let Some(title) = title.filter(|t| !t.is_empty()) {
        return entities(&title);
    }
    let mut out = String::new();
    let mut rest = text;
    let mut lower = lower.as_str();
    while let Some(at) = rest.find('<') {
        out.push_str(rest.get(..at).unwrap_or_default());
        out.push(' ');
        let tag = lower.get(at..).unwrap_or_default();
        // Scripts and style sheets are not text.
        let end = ["script", "style"]
            .iter()
            .find(|name| tag.get(1..).is_some_and(|t| t.starts_with(*name)))
            .and_then(|name| tag.find(&format!("</{name}")));
        let from = end.unwrap_or(0);
        let Some(close) = tag.get(from..).and_then(|t| t.find('>')) else {
            rest = "";
            break;
        };
        let next = at + from + close + 1;
        rest = rest.get(next..).unwrap_or_default();
        lower = lower.get(next..).unwrap_or_default();
    }
    out.push_str(rest);
    let out = entities(&out);
    if out.trim().is_empty() { text.to_owned() } else { out }
}

fn entities(text: &str) -> String {
    text.replace("&nbsp;", " ")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}
