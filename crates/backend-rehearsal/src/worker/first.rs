//! First messages, each in the voice that its request asks for.

mod form;
mod scene;

use clinstruct_draw::Draw;
use clinstruct_schema::VoiceTrait;

pub(super) use self::form::shape;
use self::scene::Scene;
use super::Facts;
use crate::read::{ParsedRequest, Voice, without_patient};

/// A fact: name, value, unit.
type Fact = (&'static str, String, &'static str);

/// A first message, and the facts that it states: name, value, unit.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written {
    pub(crate) text: String,
    pub(crate) facts: Vec<Fact>,
}

/// Probability that a first message with room for it states vital signs.
const MEASURED: f64 = 0.4;
/// Probability that a first message with room for it states the condition of the frame.
const BACKGROUND: f64 = 0.6;
/// Words of a message that has room for more than what it is about.
const ROOM: usize = 35;

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

/// A message that is put together: sentences in their order, within its most words.
struct Draft {
    sentences: Vec<String>,
    most: usize,
}

impl Draft {
    fn words(&self) -> usize {
        self.sentences.iter().map(|s| words(s)).sum()
    }

    /// Adds a sentence if there is room for it; says whether it was added.
    fn add(&mut self, sentence: String) -> bool {
        let fits = !sentence.is_empty()
            && !self.sentences.contains(&sentence)
            && self.words() + words(&sentence) <= self.most;
        if fits {
            self.sentences.push(sentence);
        }
        fits
    }
}

/// Writes a first message.
pub(crate) fn prompt(
    parsed: &ParsedRequest,
    patient: &Facts,
    voice: &Voice,
    draw: &mut Draw,
) -> Written {
    let (from, to) = voice.words.unwrap_or((30, 90));
    let (from, to) = (from as usize, to as usize);
    // Of some beginnings and questions, the first that fit; of a very short message, the shortest.
    let mut best: Option<(Written, usize)> = None;
    for _ in 0..8 {
        let mut scene = Scene::new(parsed, patient);
        let text = write(&mut scene, voice, without_patient(patient), (from, to), draw);
        let far = from.saturating_sub(words(&text)) + words(&text).saturating_sub(to);
        let written = Written { text, facts: scene.facts };
        if best.as_ref().is_none_or(|(_, least)| far < *least) {
            best = Some((written, far));
        }
        if far == 0 {
            break;
        }
    }
    best.map(|(written, _)| written).unwrap_or_default()
}

fn write(
    scene: &mut Scene<'_>,
    voice: &Voice,
    general: bool,
    (from, to): (usize, usize),
    draw: &mut Draw,
) -> String {
    let form = voice.of(VoiceTrait::Form).unwrap_or("sentences");
    let opening = voice.of(VoiceTrait::Opening).unwrap_or("question");
    let urgent = voice.of(VoiceTrait::Length).is_some_and(|id| id.starts_with("urgent"));
    let asked = if voice.of(VoiceTrait::Questions) == Some("two") { 2 } else { 1 };
    let mut tail: Vec<String> = Vec::new();
    let first = match (opening, general) {
        ("question", _) => scene.led_question(general, draw),
        ("request", true) => scene.sentence(draw, "opening", "general_request"),
        ("plan", true) => scene.sentence(draw, "opening", "general_plan"),
        ("doubt", true) => scene.sentence(draw, "opening", "general_doubt"),
        (_, true) => scene.sentence(draw, "opening", "occasion"),
        ("request", false) if urgent => scene.sentence(draw, "opening", "urgent"),
        (kind, false) => scene.sentence(draw, "opening", kind),
    };
    for _ in usize::from(opening == "question")..asked {
        tail.push(scene.question(general, to >= ROOM, draw));
    }
    let pasted = if form == "pasted-result" {
        let lines = if to > 60 { draw.between(3, 6) } else { 3 };
        Scene::pasted(lines as usize, draw)
    } else {
        Vec::new()
    };
    let fixed = tail.iter().chain(&pasted).map(|s| words(s)).sum::<usize>();
    let mut draft =
        Draft { sentences: Vec::new(), most: to.saturating_sub(fixed).max(words(&first)) };
    draft.add(first);
    let place = match voice.of(VoiceTrait::Place) {
        Some("implied") => scene.sentence(draw, "where", "implied"),
        Some("stated") => scene.sentence(draw, "where", "stated"),
        _ => String::new(),
    };
    let room = draft.most.saturating_sub(words(&place)).max(draft.words());
    let most = std::mem::replace(&mut draft.most, room);
    if !general {
        case(scene, &mut draft, to, draw);
    }
    let aim = from + draw.below((to - from) * 2 / 3 + 1);
    for _ in 0..40 {
        if draft.words() + words(&place) + fixed >= aim.max(from) {
            break;
        }
        let (group, name) = if general { ("question", "more") } else { ("case", "more") };
        let kept = scene.facts.len();
        let more = scene.sentence(draw, group, name);
        if !draft.add(more) {
            scene.facts.truncate(kept);
        }
    }
    draft.most = most;
    draft.add(place);
    shape(form, draft.sentences, &pasted, tail, draw)
}

/// Who the message is about, and what of the patient has room.
fn case(scene: &mut Scene<'_>, draft: &mut Draft, to: usize, draw: &mut Draw) {
    if !scene.person && (to > ROOM || draw.chance(0.5)) {
        let before = scene.facts.len();
        let who = if scene.complaint {
            scene.sentence(draw, "who", "person")
        } else {
            scene.sentence(draw, "case", "open")
        };
        if !draft.add(who) {
            scene.facts.truncate(before);
            scene.person = false;
        }
    }
    if to <= ROOM {
        return;
    }
    if scene.has_background() && draw.chance(BACKGROUND) {
        let before = scene.facts.len();
        let background = scene.sentence(draw, "who", "background");
        if !draft.add(background) {
            scene.facts.truncate(before);
        }
    }
    if let Some(sentence) = scene.pregnancy(draw)
        && !draft.add(sentence)
    {
        scene.facts.pop();
    }
    if draw.chance(MEASURED)
        && let Some(measured) = scene.measured(draw)
        && draft.add(measured.text)
    {
        scene.facts.extend(measured.facts);
    }
}
