//! Chat templates of models, rendered with `MiniJinja`.
//!
//! llama.cpp's own call recognizes a fixed list of templates and does not run Jinja: it drops default system prompts
//! and conditions. The template context follows `transformers`:
//! <https://huggingface.co/docs/transformers/chat_templating_writing>.

use clinstruct_schema::{Message, Role};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Environment, ErrorKind, context};

use crate::engine::TemplateSource;

/// A parsed template.
#[derive(Debug)]
pub struct Template {
    environment: Environment<'static>,
    source: TemplateSource,
    /// Whether it accepts a system message; otherwise that is prepended to the first other message.
    takes_system: bool,
}

fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

impl Template {
    /// Parses a template and tries it on a short dialogue. The error says what the template cannot do.
    pub fn new(source: TemplateSource) -> Result<Self, String> {
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|e| e.to_string())?);
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function(
            "raise_exception",
            |text: String| -> Result<Value, minijinja::Error> {
                Err(minijinja::Error::new(ErrorKind::InvalidOperation, text))
            },
        );
        // No clock: a text must not depend on the day.
        environment.add_function("strftime_now", |_format: String| "");
        environment
            .add_template_owned("chat", source.text.clone())
            .map_err(|e| format!("the model's chat template cannot be read: {e}"))?;
        let mut template = Self { environment, source, takes_system: true };
        let turn = |role: Role, content: &str| Message { role, content: content.into() };
        let dialogue = [turn(Role::System, "Answer briefly, please."), turn(Role::User, "Why?")];
        let said = |text: &str| text.contains("Answer briefly, please.") && text.contains("Why?");
        if template.try_render(&dialogue).is_ok_and(|text| said(&text)) {
            return Ok(template);
        }
        template.takes_system = false;
        match template.try_render(&merged(&dialogue)) {
            Ok(text) if said(&text) => Ok(template),
            Ok(_) => Err("the model's chat template omits the messages".into()),
            Err(e) => Err(format!("the model's chat template cannot be rendered: {e}")),
        }
    }

    /// The prompt for a dialogue, and whether the begin token has to be prepended.
    pub fn render(&self, messages: &[Message]) -> Result<(String, bool), String> {
        let text = if self.takes_system {
            self.try_render(messages)
        } else {
            self.try_render(&merged(messages))
        };
        let text = text.map_err(|e| format!("the model's chat template rejects it: {e}"))?;
        let begun = !self.source.begin.is_empty() && text.starts_with(&self.source.begin);
        Ok((text, !begun))
    }

    fn try_render(&self, messages: &[Message]) -> Result<String, minijinja::Error> {
        let turns: Vec<Value> = messages
            .iter()
            .map(|m| context! { role => role(m.role), content => m.content.as_str() })
            .collect();
        self.environment.get_template("chat")?.render(context! {
            messages => turns,
            add_generation_prompt => true,
            bos_token => &self.source.begin,
            eos_token => &self.source.end,
            // Thinking is disabled for models that support it: only the answer is wanted.
            enable_thinking => false,
        })
    }
}

/// Prepends the system message to the first other message.
fn merged(messages: &[Message]) -> Vec<Message> {
    match messages {
        [first, second, rest @ ..] if first.role == Role::System => {
            let content = format!("{}\n\n{}", first.content, second.content);
            let mut all = vec![Message { role: second.role, content }];
            all.extend_from_slice(rest);
            all
        }
        _ => messages.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHATML: &str = "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}\
        {{ '<|im_start|>system\nBe kind.<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + \
        message['content'].strip() + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}\
        {{ '<|im_start|>assistant\n' }}{% endif %}";
    const NO_SYSTEM: &str = "{{ bos_token }}{% if messages[0].role == 'system' %}\
        {{ raise_exception('System role not supported') }}{% endif %}{% for m in messages %}\
        [{{ m.role }}] {{ m.content | trim }}{{ eos_token }}{% endfor %}";

    fn template(text: &str) -> Result<Template, String> {
        Template::new(TemplateSource { text: text.into(), begin: "<s>".into(), end: "</s>".into() })
    }

    fn dialogue(texts: &[(Role, &str)]) -> Vec<Message> {
        texts.iter().map(|(role, t)| Message { role: *role, content: (*t).into() }).collect()
    }

    #[test]
    fn a_template_with_python_methods_and_a_default_system_prompt() {
        let template = template(CHATML).unwrap();
        let (text, begin) = template.render(&dialogue(&[(Role::User, " Fièvre? ")])).unwrap();
        assert!(begin);
        assert_eq!(
            text,
            "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nFièvre?<|im_end|>\n\
             <|im_start|>assistant\n"
        );
    }

    #[test]
    fn a_template_without_system_role_gets_it_with_the_first_message() {
        let template = template(NO_SYSTEM).unwrap();
        let said = dialogue(&[(Role::System, "Be brief."), (Role::User, "Why?")]);
        let (text, begin) = template.render(&said).unwrap();
        assert!(!begin, "the template has put it there");
        assert_eq!(text, "<s>[user] Be brief.\n\nWhy?</s>");
    }

    #[test]
    fn a_template_that_cannot_be_used_is_named_at_once() {
        assert!(template("{% for %}").unwrap_err().contains("cannot be read"));
        assert!(template("{{ raise_exception('no') }}").unwrap_err().contains("no"));
        assert!(template("hello").unwrap_err().contains("omits the messages"));
    }
}
