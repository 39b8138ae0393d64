//! The Croissant file: a description of the dataset by file and column, for search engines and loaders.
//!
//! Format: <https://docs.mlcommons.org/croissant/docs/croissant-spec.html>; the fields on responsible use:
//! <https://docs.mlcommons.org/croissant/docs/croissant-rai-spec.html>.

use serde_json::{Map, Value, json};

use crate::about::About;
use crate::layout::{Folder, columns_of};
use crate::table::Kind;

/// Abbreviations in the file, with their expansions.
fn context() -> Value {
    let id = |of: &str| json!({ "@id": of, "@type": "@id" });
    json!({
        "@language": "en",
        "@vocab": "https://schema.org/",
        "citeAs": "cr:citeAs", "column": "cr:column", "conformsTo": "dct:conformsTo",
        "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
        "data": { "@id": "cr:data", "@type": "@json" },
        "dataType": { "@id": "cr:dataType", "@type": "@vocab" },
        "dct": "http://purl.org/dc/terms/",
        "examples": { "@id": "cr:examples", "@type": "@json" },
        "extract": "cr:extract", "field": "cr:field", "fileProperty": "cr:fileProperty",
        "fileObject": "cr:fileObject", "fileSet": "cr:fileSet", "format": "cr:format",
        "includes": "cr:includes", "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath",
        "key": "cr:key", "md5": "cr:md5", "parentField": "cr:parentField", "path": "cr:path",
        "recordSet": "cr:recordSet", "references": "cr:references", "regex": "cr:regex",
        "repeated": "cr:repeated", "replace": "cr:replace", "sc": "https://schema.org/",
        "samplingRate": "cr:samplingRate", "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField",
        "transform": "cr:transform", "equivalentProperty": id("cr:equivalentProperty"),
    })
}

fn data_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Int => "sc:Integer",
        Kind::Flag => "sc:Boolean",
        _ => "sc:Text",
    }
}

/// One record set per Parquet file, which every reader can resolve next to this one.
fn record_set(path: &str, stem: &str, split: &str, reasoning: bool) -> Value {
    let name = record_set_name(path);
    let fields: Vec<Value> = columns_of(reasoning)
        .iter()
        .map(|(column, kind, holds)| {
            let source =
                |extract: Value| json!({ "fileObject": { "@id": path }, "extract": extract });
            let mut field = Map::new();
            field.insert("@type".into(), json!("cr:Field"));
            field.insert("@id".into(), json!(format!("{name}/{column}")));
            field.insert("name".into(), json!(format!("{name}/{column}")));
            field.insert("description".into(), json!(holds));
            if matches!(kind, Kind::Texts | Kind::Records(_)) {
                field.insert("repeated".into(), json!(true));
            }
            if let Kind::Records(of) = kind {
                let sub: Vec<Value> = of
                    .iter()
                    .map(|f| {
                        let number = if f.number { Kind::Int } else { Kind::Text };
                        json!({
                            "@type": "cr:Field",
                            "@id": format!("{name}/{column}/{}", f.name),
                            "name": format!("{name}/{column}/{}", f.name),
                            "dataType": data_type(number),
                            "source": {
                                "fileObject": { "@id": path },
                                "extract": { "column": column },
                                "transform": { "jsonPath": f.name },
                            },
                        })
                    })
                    .collect();
                field.insert("subField".into(), json!(sub));
            } else {
                field.insert("dataType".into(), json!(data_type(*kind)));
                field.insert("source".into(), source(json!({ "column": column })));
            }
            Value::Object(field)
        })
        .collect();
    json!({
        "@type": "cr:RecordSet",
        "@id": name, "name": name,
        "description": format!("Rows of {stem}, split {split}, of {path}."),
        "key": { "@id": format!("{name}/id") },
        "field": fields,
    })
}

fn record_set_name(path: &str) -> String {
    let name = path.trim_start_matches("data/").trim_end_matches(".parquet");
    name.replace('/', ".")
}

/// The whole file.
pub(crate) fn croissant(about: &About, folder: &Folder) -> String {
    let files: Vec<Value> = folder
        .shards
        .iter()
        .map(|s| {
            json!({
                "@type": "cr:FileObject",
                "@id": s.path, "name": s.path, "contentUrl": s.path,
                "contentSize": format!("{} B", s.bytes),
                "encodingFormat": "application/x-parquet",
                "sha256": s.sha256,
            })
        })
        .collect();
    let sets: Vec<Value> = folder
        .shards
        .iter()
        .map(|s| record_set(&s.path, &s.stem, s.split.as_str(), about.reasoning))
        .collect();
    let mut all = json!({
        "@context": context(),
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": name(&about.title),
        "description": "Synthetic multi-turn conversations between simulated health workers and an assistant, for \
                        instruction-tuning of medical language models. Not for clinical use.",
        "license": about.license,
        "version": "1.0.0",
        "datePublished": about.date,
        "creator": { "@type": "sc:Organization", "name": "The makers of this run" },
        "inLanguage": folder.languages,
        "keywords": ["medical", "synthetic", "instruction-tuning", "multi-turn"],
        "isLiveDataset": false,
        "citeAs": format!("{}, {}, made with clinstruct {}", about.title, about.date, about.program),
        "distribution": files,
        "recordSet": sets,
        "rai:dataCollection": format!(
            "Written by {}. A seeded plan requested prompts, answers and follow-up questions; no text was collected from people.",
            if about.summary.rehearsal { "a grammar instead of a model".to_owned() } else { about.models.join("; ") }
        ),
        "rai:dataCollectionType": ["Synthetic"],
        "rai:dataUseCases": "Research on, and fine-tuning of, medical language models, which need their own evaluation.",
        "rai:dataLimitations": "Nobody has verified that the answers are right. Not for clinical use, advice to patients, or as a source of medical knowledge.",
        "rai:dataBiases": "Patients are drawn from tables and are not a sample of a population. Answers have the biases of the model that wrote them; languages other than English may be weaker.",
        "rai:personalSensitiveInformation": "None: all patients and health workers are fictional.",
        "rai:dataAnnotationProtocol": "Every turn is checked automatically against its instructions; turns that fail are retried at most twice.",
        "rai:hasSyntheticData": true,
    });
    if !about.url.is_empty() {
        all["url"] = json!(about.url);
    }
    if !about.models.is_empty() {
        all["rai:machineAnnotationTools"] = json!(about.models);
    }
    // There are no floats, so writing cannot fail.
    serde_json::to_string_pretty(&all).unwrap_or_default() + "\n"
}

/// A title as a name: letters, digits and hyphens.
fn name(title: &str) -> String {
    let parts: Vec<String> = title
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|p| !p.is_empty())
        .map(str::to_lowercase)
        .collect();
    parts.join("-")
}
