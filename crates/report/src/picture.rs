//! SVG charts: each is a function of numbers, with an accessible title.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::counts::{BAND, Grid};
use crate::html::{number, text};
use crate::places;

/// Width of every chart, in its own units.
const WIDTH: f64 = 720.0;

fn svg(width: f64, height: f64, title: &str, body: &str) -> String {
    let title = text(title);
    format!(
        "<svg viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"{title}\"><title>{title}</title>{body}</svg>"
    )
}

fn share(part: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { part as f64 / of as f64 }
}

/// Flow from left to right: left node, right node, rows.
pub(crate) type Flow<'a> = (&'a str, &'a str, u64);

/// A Sankey diagram with two sides. Nodes are in the order of their first occurrence.
pub(crate) fn sankey(title: &str, flows: &[Flow<'_>]) -> String {
    let total: u64 = flows.iter().map(|f| f.2).sum();
    if total == 0 {
        return String::new();
    }
    let (top, bar, gap) = (14.0, 14.0, 16.0);
    let side = |pick: fn(&Flow<'_>) -> String| {
        let mut nodes: Vec<(String, u64)> = Vec::new();
        for flow in flows {
            let name = pick(flow);
            match nodes.iter_mut().find(|n| n.0 == name) {
                Some(node) => node.1 += flow.2,
                None => nodes.push((name, flow.2)),
            }
        }
        nodes
    };
    let (left, right) = (side(|f| f.0.to_owned()), side(|f| f.1.to_owned()));
    let most = left.len().max(right.len()) as f64;
    let height = 300.0_f64.max(most * 24.0);
    let scale = (height - most * gap) / total as f64;
    // A node that would be too thin to see is drawn two units high.
    let places = |nodes: &[(String, u64)]| {
        let mut y = top;
        let mut places: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        for (name, n) in nodes {
            let high = (*n as f64 * scale).max(2.0);
            places.insert(name.clone(), (y, high));
            y += high + gap;
        }
        (places, y)
    };
    let ((from, end_left), (to, end_right)) = (places(&left), places(&right));
    let (x0, x1) = (190.0, WIDTH - 230.0);
    let mut body = String::new();
    let (mut out, mut into) = (from.clone(), to.clone());
    let colours = ["a", "b", "c", "d", "e"];
    for (a, b, n) in flows {
        let wide = (*n as f64 * scale).max(0.5);
        let (Some(start), Some(end)) = (out.get_mut(*a), into.get_mut(*b)) else { continue };
        let (y0, y1, middle) = (start.0, end.0, f64::midpoint(x0, x1));
        start.0 += wide;
        end.0 += wide;
        let colour =
            left.iter().position(|l| l.0 == *a).map_or("a", |i| colours[i % colours.len()]);
        let _ = write!(
            body,
            "<path class=\"flow {colour}\" d=\"M{x0:.0} {y0:.1}C{middle:.0} {y0:.1} {middle:.0} {y1:.1} {x1:.0} {y1:.1}\
             L{x1:.0} {:.1}C{middle:.0} {:.1} {middle:.0} {:.1} {x0:.0} {:.1}Z\"><title>{} to {}: {}</title></path>",
            y1 + wide,
            y1 + wide,
            y0 + wide,
            y0 + wide,
            text(a),
            text(b),
            number(*n)
        );
    }
    for (nodes, places, x, anchor, at) in [
        (&left, &from, x0 - bar, "end", x0 - bar - 6.0),
        (&right, &to, x1, "start", x1 + bar + 6.0),
    ] {
        for (i, (name, n)) in nodes.iter().enumerate() {
            let Some((y, high)) = places.get(name) else { continue };
            let colour = if anchor == "end" { colours[i % colours.len()] } else { "a" };
            let _ = write!(
                body,
                "<rect class=\"{colour}\" x=\"{x:.0}\" y=\"{y:.1}\" width=\"{bar:.0}\" height=\"{high:.1}\"/>\
                 <text x=\"{at:.0}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{} <tspan class=\"soft\">{}</tspan></text>",
                y + high / 2.0 + 4.0,
                text(name),
                number(*n)
            );
        }
    }
    svg(WIDTH, end_left.max(end_right), title, &body)
}

/// Bars of planned and realised shares, one pair per value.
pub(crate) fn pairs(title: &str, values: &[(&str, [u64; 2])]) -> String {
    let totals = values.iter().fold([0, 0], |t, (_, v)| [t[0] + v[0], t[1] + v[1]]);
    let shares: Vec<(&str, f64, f64)> = values
        .iter()
        .map(|(name, v)| (*name, share(v[0], totals[0]), share(v[1], totals[1])))
        .collect();
    let most = shares.iter().fold(1e-9_f64, |m, s| m.max(s.1).max(s.2));
    let (name, line) = (170.0, 22.0);
    let width = 420.0;
    let mut body = String::new();
    for (i, (label, plan, real)) in shares.iter().enumerate() {
        let y = i as f64 * line;
        let long = |s: f64| (width - name - 60.0) * s / most;
        let _ = write!(
            body,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{}</text>\
             <rect class=\"b\" x=\"{name:.0}\" y=\"{:.0}\" width=\"{:.1}\" height=\"7\"/>\
             <rect class=\"a\" x=\"{name:.0}\" y=\"{:.0}\" width=\"{:.1}\" height=\"7\"/>\
             <text class=\"soft\" x=\"{:.1}\" y=\"{:.0}\">{:.1} %</text>",
            name - 6.0,
            y + 14.0,
            text(&short(label)),
            y + 3.0,
            long(*plan),
            y + 10.0,
            long(*real),
            name + long(plan.max(*real)) + 5.0,
            y + 14.0,
            100.0 * real
        );
    }
    svg(width, shares.len() as f64 * line + 4.0, title, &body)
}

fn short(label: &str) -> String {
    if label.chars().count() <= 26 {
        return label.to_owned();
    }
    label.chars().take(25).chain(['…']).collect()
}

/// Ages of patients by sex, males on the left, females on the right.
pub(crate) fn pyramid(title: &str, ages: &BTreeMap<u32, [u64; 3]>) -> String {
    let last = ages.keys().next_back().copied().unwrap_or(0);
    let most = ages.values().fold(1, |m, v| m.max(v[0]).max(v[1])) as f64;
    let (middle, half, line) = (WIDTH / 2.0, WIDTH / 2.0 - 90.0, 16.0);
    let mut body = format!(
        "<text x=\"{:.0}\" y=\"12\" text-anchor=\"end\">male</text><text x=\"{:.0}\" y=\"12\">female</text>",
        middle - 40.0,
        middle + 40.0
    );
    for band in 0..=last {
        let [male, female, _] = ages.get(&band).copied().unwrap_or_default();
        let y = 20.0 + f64::from(last - band) * line;
        let long = |n: u64| half * n as f64 / most;
        let _ = write!(
            body,
            "<text x=\"{middle:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{}–{}</text>\
             <rect class=\"a\" x=\"{:.1}\" y=\"{y:.0}\" width=\"{:.1}\" height=\"13\"><title>{male} male</title></rect>\
             <rect class=\"b\" x=\"{:.1}\" y=\"{y:.0}\" width=\"{:.1}\" height=\"13\"><title>{female} female</title></rect>",
            y + 11.0,
            band * BAND,
            band * BAND + BAND - 1,
            middle - 32.0 - long(male),
            long(male),
            middle + 32.0,
            long(female)
        );
    }
    svg(WIDTH, 24.0 + f64::from(last + 1) * line, title, &body)
}

/// Which of five shades a count gets: the first for zero, the last for the maximum.
fn shade(n: u64, most: u64) -> usize {
    (4 * n).div_ceil(most.max(1)).min(4) as usize
}

/// One tile per country, darker with more rows. Also returns the countries without a tile.
pub(crate) fn map(
    title: &str,
    countries: &BTreeMap<String, (String, u64)>,
) -> (String, Vec<String>) {
    let most = countries.values().map(|c| c.1).max().unwrap_or(1);
    let tiles = places::tiles();
    let cell = 16.0;
    let (mut body, mut high) = (String::new(), 0.0_f64);
    for (code, (x, y)) in &tiles {
        let (name, n) = countries.get(*code).map_or((*code, 0), |(name, n)| (name.as_str(), *n));
        let shade = shade(n, most);
        let (left, top) = (f64::from(*x) * cell, f64::from(*y) * cell);
        high = high.max(top + cell);
        let ink = if shade > 2 { "off" } else { "on" };
        let _ = write!(
            body,
            "<g><title>{}: {n}</title><rect class=\"h{shade}\" x=\"{left:.0}\" y=\"{top:.0}\" width=\"15\" height=\"15\" rx=\"2\"/>\
             <text class=\"{ink}\" x=\"{:.1}\" y=\"{:.0}\" text-anchor=\"middle\" font-size=\"8\">{}</text></g>",
            text(name),
            left + 7.5,
            top + 10.5,
            code.to_uppercase()
        );
    }
    let wide = tiles.values().map(|(x, _)| x + 1).max().unwrap_or(1);
    let without = countries
        .iter()
        .filter(|(code, _)| !tiles.contains_key(code.as_str()))
        .map(|(_, (name, n))| format!("{name}: {n}"))
        .collect();
    (svg(f64::from(wide) * cell, high, title, &body), without)
}

/// Rows of each pair of two axes: the first axis downwards, the second to the right. Adjacent cells of one shade are
/// one stroke, so that tens of thousands of cells stay small. Pairs without a row have their own colour, since those
/// are of interest.
pub(crate) fn heat(title: &str, grid: &Grid) -> String {
    let down: BTreeSet<&str> = grid.cells.keys().map(|k| k.0.as_str()).collect();
    let right: BTreeSet<&str> = grid.cells.keys().map(|k| k.1.as_str()).collect();
    // If no pair has more than one row, a middle shade is used: a solid area of the last one hides everything else.
    let most = grid.cells.values().map(|c| c[1]).max().unwrap_or(1).max(2);
    let names = down.len() <= 30;
    let left = if names { 190.0 } else { 0.0 };
    let wide = (WIDTH * 1.4 - left) / right.len().max(1) as f64;
    // Lines between rows this thin would look like a pattern.
    let (high, gap) = if names { (15.0, 1.0) } else { (5.0, 0.0) };
    let mut paths: [String; 5] = Default::default();
    let mut body = String::new();
    for (row, name) in down.iter().enumerate() {
        let y = row as f64 * high;
        let mut start = (0, None);
        let columns = right.iter().map(Some).chain([None]).enumerate();
        for (column, other) in columns {
            let here = other.map(|other| {
                let key = ((*name).to_owned(), (*other).to_owned());
                grid.cells.get(&key).map(|c| shade(c[1], most))
            });
            if here == start.1 {
                continue;
            }
            if let Some(Some(shade)) = start.1 {
                let (x, long) =
                    (left + f64::from(start.0) * wide, (column as f64 - f64::from(start.0)) * wide);
                let _ =
                    write!(paths[shade], "M{x:.1} {y:.0}h{long:.1}v{:.0}h-{long:.1}z", high - gap);
            }
            start = (u32::try_from(column).unwrap_or(u32::MAX), here);
        }
        if names {
            let _ = write!(
                body,
                "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{}</text>",
                left - 6.0,
                y + high - 4.0,
                text(&short(name))
            );
        }
    }
    for (shade, path) in paths.iter().enumerate().filter(|(_, p)| !p.is_empty()) {
        let class = if shade == 0 { "b".to_owned() } else { format!("h{shade}") };
        let _ = write!(body, "<path class=\"{class}\" d=\"{path}\"/>");
    }
    svg(WIDTH * 1.4, down.len() as f64 * high + 2.0, title, &body)
}

/// A bar chart; the labels below name the lower bound of a bar.
pub(crate) fn columns(title: &str, values: &[(String, u64)]) -> String {
    let most = values.iter().map(|v| v.1).max().unwrap_or(1).max(1) as f64;
    let width = 420.0;
    let each = width / values.len().max(1) as f64;
    let mut body = String::new();
    for (i, (label, n)) in values.iter().enumerate() {
        let (x, high) = (i as f64 * each, 120.0 * *n as f64 / most);
        let _ = write!(
            body,
            "<rect class=\"a\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{high:.1}\"><title>{}: {n}</title></rect>",
            x + 1.0,
            124.0 - high,
            (each - 2.0).max(1.0),
            text(label)
        );
        if values.len() <= 8 || i.is_multiple_of(5) {
            let _ = write!(
                body,
                "<text class=\"soft\" x=\"{:.1}\" y=\"138\">{}</text>",
                x + 1.0,
                text(label)
            );
        }
    }
    svg(width, 144.0, title, &body)
}

/// A cumulative step chart over time.
pub(crate) fn steps(
    title: &str,
    points: &[(i64, f64)],
    first: &str,
    last: &str,
    top: &str,
) -> String {
    let (Some(start), Some(end)) = (points.first(), points.last()) else { return String::new() };
    let span = (end.0 - start.0).max(1) as f64;
    let most = end.1.max(1e-9);
    let (left, high) = (10.0, 180.0);
    let mut path = format!("M{left:.0} {high:.0}");
    for (time, sum) in points {
        let x = left + (WIDTH - 2.0 * left) * (time - start.0) as f64 / span;
        let y = high - (high - 20.0) * sum / most;
        let _ = write!(path, "H{x:.1}V{y:.1}");
    }
    let body = format!(
        "<path class=\"axis\" d=\"M{left:.0} {high:.0}H{:.0}\"/><path class=\"trace\" d=\"{path}\"/>\
         <text class=\"soft\" x=\"{left:.0}\" y=\"196\">{}</text>\
         <text class=\"soft\" x=\"{:.0}\" y=\"196\" text-anchor=\"end\">{}</text>\
         <text x=\"{:.0}\" y=\"14\" text-anchor=\"end\">{}</text>",
        WIDTH - left,
        text(first),
        WIDTH - left,
        text(last),
        WIDTH - left,
        text(top)
    );
    svg(WIDTH, 202.0, title, &body)
}
