//! The rows of a job: answers and faults.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use clinstruct_schema::{ChatRequest, RequestId};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::Faults;
use crate::oddity::Place;
use crate::state::{Api, Ends, Server};
use crate::{anthropic, fault, openai, wire};

/// Location of a row in the input: offset and length.
pub(crate) type Span = (u64, usize);

/// The rows of an answered job.
pub(crate) struct Rows {
    pub(crate) ends: Ends,
    pub(crate) output: PathBuf,
    /// Only OpenAI has a separate error file.
    pub(crate) errors: PathBuf,
}

/// Faults of a job as a whole.
#[derive(Clone, Copy, Default)]
pub(crate) struct JobFault {
    pub(crate) expires: bool,
    /// Every row ends as an error.
    pub(crate) fails: bool,
}

struct Row {
    /// As it was sent.
    line: String,
    custom_id: String,
    id: RequestId,
    request: serde_json::Result<ChatRequest>,
}

fn read_row(api: Api, bytes: &[u8]) -> io::Result<Row> {
    let (custom_id, request) = match api {
        Api::OpenAi => {
            let line: wire::OpenAiLine = serde_json::from_slice(bytes)?;
            (line.custom_id, wire::openai(line.body.get()))
        }
        Api::Anthropic => {
            let line: wire::AnthropicLine = serde_json::from_slice(bytes)?;
            (line.custom_id, wire::anthropic(line.params.get()))
        }
    };
    let line = String::from_utf8_lossy(bytes).into_owned();
    Ok(Row { line, id: wire::request_id(&custom_id), custom_id, request })
}

struct Files {
    api: Api,
    place: Place,
    output: BufWriter<File>,
    errors: BufWriter<File>,
}

impl Files {
    fn answer(&mut self, line: &[u8]) -> io::Result<()> {
        self.output.write_all(line)?;
        self.output.write_all(b"\n")
    }

    fn error(&mut self, line: &Value) -> io::Result<()> {
        match self.api {
            Api::OpenAi => writeln!(self.errors, "{line}"),
            Api::Anthropic => writeln!(self.output, "{line}"),
        }
    }
}

/// Faults of a row: why it has no answer.
#[derive(Clone, Copy)]
pub(crate) enum RowFault<'a> {
    /// A server error.
    Server,
    /// The request is malformed.
    Invalid(&'a str),
    /// The model does not exist.
    Model(&'a str),
    /// The job expired.
    Expired,
    /// The job was cancelled.
    Cancelled,
}

fn error_line(server: &Server, api: Api, custom_id: &str, fault: RowFault<'_>) -> Value {
    match api {
        Api::OpenAi => openai::error_line(server, custom_id, fault),
        Api::Anthropic => anthropic::error_line(custom_id, fault),
    }
}

/// Answers the rows of a job in its own order, and bills them.
pub(crate) fn answer(
    server: &Server,
    place: Place,
    job: &str,
    input: &Path,
    mut spans: Vec<Span>,
    fault: JobFault,
) -> io::Result<Rows> {
    let api = if place == Place::AnthropicRow { Api::Anthropic } else { Api::OpenAi };
    let faults = server.state().faults;
    server.draw("order", job, 0).shuffle(&mut spans);
    let in_time = if fault.expires { spans.len() - spans.len().div_ceil(3) } else { spans.len() };
    let silent = api == Api::OpenAi && server.draw("expired in silence", job, 0).chance(0.5);

    let (_, output) = server.new_id("output-");
    let (_, errors) = server.new_id("errors-");
    let mut files = Files {
        api,
        place,
        output: BufWriter::new(File::create(&output)?),
        errors: BufWriter::new(File::create(&errors)?),
    };
    let mut from = File::open(input)?;
    let mut ends = Ends::default();
    for (i, (offset, length)) in spans.into_iter().enumerate() {
        let mut line = vec![0; length];
        from.seek(SeekFrom::Start(offset))?;
        from.read_exact(&mut line)?;
        let row = read_row(api, &line)?;
        if i >= in_time {
            ends.expired += 1;
            if !silent {
                files.error(&error_line(server, api, &row.custom_id, RowFault::Expired))?;
            }
        } else if fault.fails {
            ends.errored += 1;
            files.error(&error_line(server, api, &row.custom_id, RowFault::Server))?;
        } else if answer_row(server, &faults, &row, &mut files)? {
            ends.succeeded += 1;
        } else {
            ends.errored += 1;
        }
    }
    files.output.flush()?;
    files.errors.flush()?;
    Ok(Rows { ends, output, errors })
}

/// Whether the row counts as a success.
fn answer_row(server: &Server, faults: &Faults, row: &Row, files: &mut Files) -> io::Result<bool> {
    let api = files.api;
    let id = &row.custom_id;
    let times = server.state().asked(id);
    let hit = |what: &str, rate| server.hit(what, rate, id, times);
    let fault = match &row.request {
        Err(e) => {
            files.error(&error_line(server, api, id, RowFault::Invalid(&e.to_string())))?;
            return Ok(false);
        }
        Ok(request) if !server.knows_model(&request.model) => Some(RowFault::Model(&request.model)),
        Ok(_) if hit("row_error", faults.row_error) => Some(RowFault::Server),
        Ok(_) => None,
    };
    if let Some(fault) = fault {
        files.error(&error_line(server, api, id, fault))?;
        return Ok(false);
    }
    let Ok(request) = &row.request else { return Ok(false) };
    let thing = server.state().receive(request, id);
    // Once: a row that is missing forever is given up, and the run then differs from one without faults.
    if hit("row_missing", faults.row_missing) && server.state().left_out.insert(thing.clone()) {
        return Ok(true);
    }
    let answer = (server.config.answer)(request, row.id);
    let line = |id: &str| match api {
        Api::OpenAi => openai::answer_line(server, id, &request.model, &answer),
        Api::Anthropic => anthropic::answer_line(server, id, &request.model, &answer),
    };
    let whole = line(id);
    let mut hits = server.hits(files.place, &thing, &row.line, &whole);
    fault::of_row(&mut hits, faults, files.place, api, &hit);
    if hits.billed {
        server.state().bill(id, &thing, &answer, hits.usable);
    }
    let lines = hits.lines(whole.to_string().into_bytes());
    for line in &lines {
        files.answer(line)?;
    }
    if hit("row_duplicated", faults.row_duplicated) {
        for line in &lines {
            files.answer(line)?;
        }
    }
    if hit("row_unknown", faults.row_unknown) {
        let stranger = blake3::hash(format!("{id}#{times}").as_bytes()).to_hex();
        files.answer(line(&stranger[..32]).to_string().as_bytes())?;
    }
    Ok(true)
}

#[derive(Deserialize)]
struct Cut {
    custom_id: String,
    #[serde(default)]
    result: Value,
}

impl Cut {
    /// Whether it says that there is no answer, as only Anthropic's do in this file.
    fn is_error(&self) -> bool {
        self.result["type"].as_str().is_some_and(|kind| kind != "succeeded")
    }
}

/// Truncates a job to the first half of its rows and refunds the others, which become errors.
pub(crate) fn cancel(
    server: &Server,
    api: Api,
    output: &Path,
    errors: &Path,
    ends: Ends,
) -> io::Result<Ends> {
    let mut ends = ends;
    let mut lines = Vec::new();
    for line in BufReader::new(File::open(output)?).split(b'\n') {
        lines.push(line?);
    }
    let cut = lines.split_off(lines.len().div_ceil(2));
    // A line changed by an oddity may not be a row.
    let read = |line: &[u8]| serde_json::from_slice::<Cut>(line).ok();
    let mut seen: HashSet<String> =
        lines.iter().filter_map(|line| read(line)).map(|row| row.custom_id).collect();
    let mut dropped = Vec::new();
    for line in cut {
        let Some(row) = read(&line).filter(|row| !row.is_error()) else {
            lines.push(line);
            continue;
        };
        let mut state = server.state();
        // Neither duplicates nor unrequested rows were billed.
        if state.billed.contains_key(wire::address(&row.custom_id))
            && seen.insert(row.custom_id.clone())
        {
            state.unbill(&row.custom_id);
            ends.succeeded = ends.succeeded.saturating_sub(1);
            ends.cancelled += 1;
            drop(state);
            dropped.push(error_line(server, api, &row.custom_id, RowFault::Cancelled).to_string());
        }
    }
    let mut more_errors = BufWriter::new(File::options().append(true).open(errors)?);
    if api == Api::Anthropic {
        lines.extend(dropped.drain(..).map(String::into_bytes));
    }
    for line in dropped {
        writeln!(more_errors, "{line}")?;
    }
    more_errors.flush()?;
    let mut kept = BufWriter::new(File::create(output)?);
    for line in lines {
        kept.write_all(&line)?;
        kept.write_all(b"\n")?;
    }
    kept.flush()?;
    Ok(ends)
}

/// A validated OpenAI batch input.
#[derive(Default)]
pub(crate) struct Input {
    pub(crate) spans: Vec<Span>,
    pub(crate) tokens: u64,
    /// Entries of `errors.data`.
    pub(crate) problems: Vec<Value>,
}

/// Most reported problems of an input.
const PROBLEMS: usize = 100;

/// Validates an OpenAI batch input line by line.
pub(crate) fn look_through(server: &Server, path: &Path, endpoint: &str) -> io::Result<Input> {
    let mut from = BufReader::new(File::open(path)?);
    let mut input = Input::default();
    let mut ids = HashSet::new();
    let mut model: Option<String> = None;
    let mut offset = 0;
    let mut number = 0_u64;
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = from.read_until(b'\n', &mut line)?;
        if length == 0 {
            break;
        }
        number += 1;
        let span = (offset, length);
        offset += length as u64;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        input.spans.push(span);
        if input.problems.len() < PROBLEMS
            && let Err((code, message, param)) =
                check(server, &line, endpoint, &mut ids, &mut model, &mut input.tokens)
        {
            input.problems.push(problem(code, &message, param, Some(number)));
        }
    }
    let (rows, most) = (input.spans.len(), server.config.max_rows);
    if rows == 0 {
        let message = "The input file is empty.";
        input.problems.push(problem("empty_file", message, None, None));
    }
    if rows > most {
        let message = format!("The batch has {rows} requests; the maximum is {most}.");
        input.problems.insert(0, problem("too_many_tasks", &message, None, None));
    }
    if offset > server.config.max_bytes {
        let most = server.config.max_bytes;
        let message = format!("The input file has {offset} bytes; the maximum is {most}.");
        input.problems.insert(0, problem("file_too_large", &message, None, None));
    }
    Ok(input)
}

/// An entry of `errors.data`.
pub(crate) fn problem(code: &str, message: &str, param: Option<&str>, line: Option<u64>) -> Value {
    json!({"code": code, "message": message, "param": param, "line": line})
}

type Broken = (&'static str, String, Option<&'static str>);

fn check(
    server: &Server,
    line: &[u8],
    endpoint: &str,
    ids: &mut HashSet<String>,
    first_model: &mut Option<String>,
    tokens: &mut u64,
) -> Result<(), Broken> {
    let bad_json = |e: serde_json::Error| {
        ("invalid_json_line", format!("This line is not parseable as valid JSON: {e}"), None)
    };
    let line: wire::OpenAiLine = serde_json::from_slice(line).map_err(bad_json)?;
    let body = line.body.get();
    let model = serde_json::from_str::<wire::ModelOf>(body).map_err(bad_json)?.model;
    if line.method != "POST" {
        return Err(("invalid_method", "The method must be POST.".into(), Some("method")));
    }
    if line.url != endpoint {
        let message =
            format!("The URL provided for this request ({}) is not {endpoint}.", line.url);
        return Err(("invalid_url", message, Some("url")));
    }
    if !ids.insert(line.custom_id.clone()) {
        let message = format!(
            "The custom_id '{}' for this request is a duplicate of another request.",
            line.custom_id
        );
        return Err(("duplicate_custom_id", message, Some("custom_id")));
    }
    if !server.knows_model(&model) {
        let message = format!("The provided model '{model}' is not supported by the Batch API.");
        return Err(("model_not_found", message, Some("body.model")));
    }
    let first = first_model.get_or_insert_with(|| model.clone());
    if *first != model {
        let message = format!(
            "The model '{model}' differs from the first request's, '{first}': all requests of a batch \
             must use the same model."
        );
        return Err(("mismatched_model", message, Some("body.model")));
    }
    // A body that is not a request is the row's error, not the batch's.
    *tokens += wire::openai(body).map_or(0, |request| wire::prompt_tokens(&request));
    Ok(())
}
