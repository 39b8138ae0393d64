//! Draws what is fixed about a prompt before it is written.

use clinstruct_catalog::{
    AboutPatient, Axis, Country, Facts, PregnancyRule, Scope, WITHHOLDS, subject_ids, translates,
};
use clinstruct_draw::{self as draw, Draw};
use clinstruct_schema::{
    AgeYears, Coded, ConversationMode, Frame, FramePatient, Place, RowId, Sex, Slug,
};

use crate::case::frame_condition;
use crate::language;
use crate::persona::draw_persona;
use crate::source::Source;
use crate::voice::draw_voice;

/// Probability of the usual care setting of a country that has others.
const USUAL_SETTING: f64 = 0.7;
/// Probability that a question is about a patient where it may or may not be.
const WITH_PATIENT: f64 = 0.6;
/// Probability that a patient who can be pregnant is.
const PREGNANT: f64 = 0.04;

/// The frame of prompt `k` (from 0) of a row; `None` only if the catalog has no country or no age band that fits.
pub(crate) fn draw_frame(
    source: &Source<'_>,
    row: &RowId,
    k: usize,
    scope: &Scope,
) -> Option<Frame> {
    let key = row.child('p', k + 1);
    let key = key.as_str();
    let (country, language) = language::country(source, row, k)?;
    let setting = draw_setting(source, key, country)?;
    let place = Place {
        country_code: country.code.clone(),
        country: country.name.clone(),
        income: country.income,
        region: country.region.clone(),
        setting,
    };
    let with_patient = match scope.patient {
        AboutPatient::Patient => true,
        AboutPatient::None => false,
        AboutPatient::Either => Draw::new(source.seed, key, "with patient").chance(WITH_PATIENT),
    };
    let patient =
        if with_patient { Some(draw_patient(source, key, scope, country)?) } else { None };
    let can_be_emergency = scope.can_be_emergency && patient.is_some();
    let emergency_instruction = can_be_emergency
        && source.part.emergency.as_ref().is_some_and(|rule| {
            Draw::new(source.seed, key, "emergency instruction").chance(rule.probability)
        });
    let mode = draw_mode(source, key, can_be_emergency, emergency_instruction);
    let frame = Frame { emergency_instruction, language, ..Frame::new(place, patient, mode) };
    let persona = if source.part.personas {
        draw_persona(source.catalog, source.seed, key, source.subjects, &frame)
    } else {
        None
    };
    let frame = Frame { withholds: withholds(source, key, &frame), persona, ..frame };
    let voice = draw_voice(source.catalog, source.seed, key, source.subjects, &frame);
    Some(Frame { voice, ..frame })
}

/// Whether the message leaves out what its decision depends on: a share of those that can.
fn withholds(source: &Source<'_>, key: &str, frame: &Frame) -> bool {
    let translates = translates(&source.catalog.tasks, source.subjects);
    let subjects = subject_ids(source.subjects);
    let facts = Facts {
        subjects: subjects.iter().map(|(axis, id)| (*axis, id.as_str())).collect(),
        emergency: source.emergency,
        emergency_instruction: frame.emergency_instruction,
        mode: Some(frame.mode),
        asked_groups: Vec::new(),
    };
    source.part.can_withhold(&facts, frame, translates)
        && Draw::new(source.seed, key, "withholds").chance(WITHHOLDS)
}

fn draw_setting(source: &Source<'_>, key: &str, country: &Country) -> Option<Slug> {
    let others = country.settings.len().saturating_sub(1).max(1) as f64;
    let settings = country.settings.iter().enumerate().filter_map(|(i, s)| {
        let weight = if i == 0 { USUAL_SETTING } else { (1.0 - USUAL_SETTING) / others };
        source.catalog.settings.get(*s).map(|s| (s.id.as_str(), weight, s))
    });
    draw::choose(source.seed, key, "setting", settings).map(|setting| setting.id.clone())
}

/// The mode, by the part's rules. Where the topic cannot be an emergency, the other modes share that weight.
fn draw_mode(
    source: &Source<'_>,
    key: &str,
    can_be_emergency: bool,
    emergency_instruction: bool,
) -> ConversationMode {
    let subjects = subject_ids(source.subjects);
    let facts = Facts {
        subjects: subjects.iter().map(|(axis, id)| (*axis, id.as_str())).collect(),
        emergency: source.emergency && can_be_emergency,
        emergency_instruction,
        mode: None,
        asked_groups: Vec::new(),
    };
    let items: Vec<String> =
        subjects.iter().map(|(axis, id)| format!("{}:{id}", axis.as_str())).collect();
    let rule = source.part.mode.iter().find(|rule| rule.when.holds(&facts));
    let drawn = rule.and_then(|rule| {
        let weights = rule
            .weights
            .get_ref()
            .iter()
            .filter(|(mode, _)| can_be_emergency || **mode != ConversationMode::Emergency)
            .filter(|(mode, _)| {
                let items = items.iter().map(String::as_str);
                !source.catalog.contradictions.any(&format!("mode:{}", mode.as_str()), items)
            })
            .map(|(mode, weight)| (mode.as_str(), *weight, *mode));
        draw::choose(source.seed, key, "mode", weights)
    });
    drawn.unwrap_or(ConversationMode::Normal)
}

fn draw_patient(
    source: &Source<'_>,
    key: &str,
    scope: &Scope,
    country: &Country,
) -> Option<FramePatient> {
    let (catalog, seed, who) = (source.catalog, source.seed, &scope.who);
    let sexes = catalog
        .sexes
        .iter()
        .filter(|s| who.sexes[s.id as usize])
        .map(|s| (s.id.as_str(), s.weight, s.id));
    let sex = draw::choose(seed, key, "sex", sexes)?;
    let bands = catalog.ages.iter().enumerate().filter(|(i, _)| who.includes(*i, sex)).filter_map(
        |(i, band)| {
            let months = scope.months_in(band)?;
            Some((band.id.as_str(), band.weight, (i, band, months)))
        },
    );
    let (band_index, band, months) = draw::choose(seed, key, "age band", bands)?;
    let months = Draw::new(seed, key, "age").between(months.0, months.1);
    let age = AgeYears { years: months / 12, months: (months < 24).then_some(months % 12) };
    let gender = (band_index >= catalog.gender_from)
        .then(|| {
            let genders = catalog
                .genders
                .iter()
                .filter(|g| g.countries.is_empty() || g.countries.contains(&country.code))
                .map(|g| (g.id.as_str(), g.weights[sex as usize], g));
            let young = age.years < catalog.adult_from;
            draw::choose(seed, key, "gender", genders).map(|g| {
                let name = g.young.as_ref().filter(|_| young);
                name.unwrap_or(&g.name).clone()
            })
        })
        .flatten();
    let mut pregnancy = Draw::new(seed, key, "pregnancy");
    let pregnant = scope.can_be_pregnant(months, sex)
        && match scope.pregnancy {
            PregnancyRule::Required => true,
            PregnancyRule::Possible => sex == Sex::Female && pregnancy.chance(PREGNANT),
            PregnancyRule::Never => false,
        };
    let pregnancy_weeks = pregnant.then(|| pregnancy.between(scope.weeks.0, scope.weeks.1));
    let mut patient = FramePatient {
        age_band: band.id.clone(),
        age,
        sex,
        gender,
        pregnancy_weeks,
        condition: None,
    };
    let fields: Vec<&str> = source
        .subjects
        .iter()
        .filter(|s| s.axis != Axis::Task.as_str())
        .flat_map(|s| s.slugs.iter().map(Slug::as_str))
        .collect();
    let condition =
        frame_condition(catalog, seed, key, &patient, country.income, &fields, &scope.conditions);
    patient.condition = condition.map(|c| Coded { name: c.name.clone(), code: c.icd10.clone() });
    Some(patient)
}
