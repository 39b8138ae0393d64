//! Applies each fault to a reply.

use serde_json::json;

use crate::config::Faults;
use crate::oddity::{Hits, Place, Reply, Twist};
use crate::state::{Api, Server};

/// Half of a character.
const BROKEN: [u8; 2] = [0xe2, 0x82];

/// Adds faults of an answer, for jobs and chats alike.
pub(crate) fn of_row(
    hits: &mut Hits,
    faults: &Faults,
    place: Place,
    api: Api,
    hit: &dyn Fn(&str, f64) -> bool,
) {
    let body = match (place, api) {
        (Place::ChatBody, _) => "",
        (_, Api::OpenAi) => "/response/body",
        (_, Api::Anthropic) => "/result/message",
    };
    let (tokens, answer, text, reason) = match api {
        Api::OpenAi => {
            ("completion_tokens", "choices", "choices/0/message/content", "choices/0/finish_reason")
        }
        Api::Anthropic => ("output_tokens", "content", "content/0/text", "stop_reason"),
    };
    let at = |field: &str| format!("{body}/{field}");
    if hit("usage_missing", faults.usage_missing) {
        hits.push(Twist::Remove(at("usage")), true);
    } else if hit("usage_negative", faults.usage_negative) {
        hits.push(Twist::Set(at(&format!("usage/{tokens}")), json!(-35)), true);
    }
    if hit("choices_null", faults.choices_null) {
        hits.push(Twist::Set(at(answer), json!(null)), false);
    } else if hit("finish_unknown", faults.finish_unknown) {
        hits.push(Twist::Set(at(reason), json!("error")), false);
    } else if hit("row_unreadable", faults.row_unreadable) {
        hits.push(Twist::Splice(at(text), BROKEN.to_vec()), false);
    } else if api == Api::OpenAi
        && place != Place::ChatBody
        && hit("body_as_string", faults.body_as_string)
    {
        hits.push(Twist::Stringify(body.to_owned()), true);
    }
}

/// The reply in place of a call, if a fault is drawn.
pub(crate) fn of_call(server: &Server, place: Place, thing: &str, api: Api) -> Option<Reply> {
    let (faults, count) = {
        let mut state = server.state();
        (state.faults, state.asked(&format!("{place:?} {thing}")))
    };
    let hit = |what, rate| server.hit(what, rate, &format!("{place:?} {thing}"), count);
    let frame = |status: u16, kind: &str, message: &str| {
        let error = match api {
            Api::OpenAi => {
                json!({"error": {"message": message, "type": kind, "param": null, "code": null}})
            }
            Api::Anthropic => {
                json!({"type": "error", "error": {"type": kind, "message": message}})
            }
        };
        Reply::json(status, &error)
    };
    let is_there =
        matches!(place, Place::Batch | Place::FileObject | Place::FileContent | Place::Results);
    if is_there && hit("not_found", faults.not_found) {
        let kind = if api == Api::OpenAi { "invalid_request_error" } else { "not_found_error" };
        return Some(frame(404, kind, "Not found"));
    }
    if place == Place::Batch && hit("malformed_poll", faults.malformed_poll) {
        return Some(Reply::html(200, "One moment, please"));
    }
    if place == Place::Create && hit("overloaded", faults.overloaded) {
        return Some(frame(529, "overloaded_error", "Overloaded"));
    }
    let is_object = matches!(
        place,
        Place::Batch | Place::FileObject | Place::Create | Place::Upload | Place::ChatBody
    );
    if is_object && hit("error_in_200", faults.error_in_200) {
        return Some(Reply::json(
            200,
            &json!({
                "id": null, "choices": null, "usage": null, "model": null,
                "error": {"message": "Provider returned error", "code": 429,
                          "metadata": {"raw": "Too Many Requests"}},
            }),
        ));
    }
    None
}
