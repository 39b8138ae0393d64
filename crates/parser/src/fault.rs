//! What a provider's error means: the one place that classifies errors, of jobs and of rows.

use clinstruct_schema::Fault;

/// An error as a provider reported it, with what is at fault.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderError {
    /// What is at fault.
    pub fault: Fault,
    /// HTTP status: that of the response, or the one that an error inside a 200 names.
    pub status: Option<u16>,
    /// Provider's code or error type; `status N` or `error` where it gave none.
    pub code: String,
    /// Provider's own words: one line, at most 400 characters, never empty.
    pub message: String,
    /// Seconds that the provider asks to wait, where the body says so.
    pub retry_after_s: Option<f64>,
}

/// Whether a code is the provider's own, and not one that stands for none.
pub fn is_own_code(code: &str) -> bool {
    !code.is_empty() && code != "error" && !code.starts_with("status ")
}

/// Codes that decide by themselves, in lower case. A code that means different things at different providers
/// (`invalid_request_error`, `permission_denied`) is not here: the message decides.
///
/// Sources: <https://platform.openai.com/docs/guides/error-codes>, <https://docs.anthropic.com/en/api/errors>,
/// <https://learn.microsoft.com/azure/ai-services/openai/reference>, <https://openrouter.ai/docs/api-reference/errors>,
/// <https://console.groq.com/docs/errors>, <https://www.alibabacloud.com/help/en/model-studio/error-code>.
const CODES: &[(Fault, &[&str])] = &[
    (
        Fault::Expired,
        &["batch_expired", "batch_cancelled", "batch_canceled", "expired", "cancelled", "canceled"],
    ),
    (
        Fault::Content,
        &[
            "content_policy_violation",
            "content_filter",
            "content_filtered",
            "responsibleaipolicyviolation",
            "invalid_prompt",
            "data_inspection_failed",
            "datainspectionfailed",
            "moderation_blocked",
            "prompt_blocked",
            "safety_violation",
        ],
    ),
    (
        Fault::Quota,
        &[
            "insufficient_quota",
            "insufficient_balance",
            "insufficient_credits",
            "insufficient_funds",
            "insufficient_user_quota",
            "exceeded_current_quota_error",
            "billing_error",
            "billing_hard_limit_reached",
            "billing_soft_limit_reached",
            "billing_not_active",
            "payment_required",
            "arrearage",
            "budget_exceeded",
            "credits_exhausted",
            "out_of_credits",
            "spend_limit_exceeded",
        ],
    ),
    (
        Fault::Account,
        &[
            "invalid_api_key",
            "no_db_connection",
            "incorrect_api_key",
            "invalid_authentication",
            "invalid_authentication_error",
            "authentication_error",
            "authenticationerror",
            "auth_error",
            "invalidapikey",
            "unauthorized",
            "unauthenticated",
            "account_deactivated",
            "organization_deactivated",
            "unsupported_country_region_territory",
            "ip_not_authorized",
            "mismatched_organization",
            "invalid_organization",
            "no_api_key",
            "missing_api_key",
            "expired_api_key",
            "wrong_api_key",
            "api_key_expired",
            "accessdeniedexception",
            "unrecognizedclientexception",
        ],
    ),
    (
        Fault::Model,
        &[
            "model_not_found",
            "model_not_available",
            "model_not_supported",
            "model_not_exist",
            "modelnotfound",
            "deploymentnotfound",
            "invalid_model",
            "unknown_model",
            "model_deprecated",
            "model_decommissioned",
            "model_terms_required",
            "invalidendpointormodel.notfound",
            "unsupported_model",
            "key_model_access_denied",
            "team_model_access_denied",
            "dedicated_endpoint_not_running",
            "operationnotsupported",
        ],
    ),
    (
        Fault::Request,
        &[
            "context_length_exceeded",
            "string_above_max_length",
            "array_above_max_length",
            "unsupported_parameter",
            "unknown_parameter",
            "missing_required_parameter",
            "request_too_large",
            "exceed_context_size_error",
            "invalid_json_schema",
            "tokens_limit_reached",
            // Of a batch's input file: https://platform.openai.com/docs/guides/batch.
            "invalid_json_line",
            "duplicate_custom_id",
            "empty_file",
            "mismatched_model",
            "model_mismatch",
            "url_mismatch",
            "too_many_tasks",
            "maximum_input_file_size_exceeded",
        ],
    ),
    (
        Fault::Busy,
        &[
            "rate_limit_exceeded",
            "rate_limit_error",
            "rate_limit_reached_error",
            "ratelimiterror",
            "ratelimitreached",
            "too_many_requests",
            "toomanyrequests",
            "requests_rate_limit_exceeded",
            "token_limit_exceeded",
            "overloaded_error",
            "overloaded",
            "engine_overloaded",
            "engine_overloaded_error",
            "capacity_exceeded",
            "service_tier_capacity_exceeded",
            "throttling",
            "throttlingexception",
            "throttling.ratequota",
            "throttling.allocationquota",
            "slow_down",
            "service_unavailable",
            "queue_full",
            "nocapacity",
            "overloadederror",
        ],
    ),
];

/// What a message has to hold for a fault: all of the words, in lower case and in this order.
type Pattern = (Fault, &'static [&'static str]);

/// Patterns in order of precedence: they are tried before a code decides.
const BEFORE_CODES: &[Pattern] = &[
    // `model_not_found` and `unsupported_value` are also the codes of an organisation that is not verified.
    (Fault::Account, &["must be verified"]),
    (Fault::Account, &["verify organization"]),
    (Fault::Account, &["verify your organization"]),
    // `rate_limit_exceeded` is also the code of a single request above a limit per minute.
    (Fault::Request, &["request too large"]),
    (Fault::Request, &["input or output tokens must be reduced"]),
    // Gemini and others use the same words for a limit per minute as for an empty account.
    (Fault::Quota, &["quota exceeded for metric", "limit: 0,"]),
    (Fault::Busy, &["exceeded your current quota", "please retry in"]),
    (Fault::Busy, &["quota exceeded for metric"]),
    (Fault::Busy, &["enqueued token limit"]),
    (Fault::Quota, &["exceeded your current quota"]),
    (Fault::Quota, &["check your plan and billing"]),
    (Fault::Quota, &["credit balance is too low"]),
    (Fault::Quota, &["insufficient balance"]),
    (Fault::Quota, &["insufficient credits"]),
    (Fault::Quota, &["insufficient funds"]),
    (Fault::Quota, &["insufficient quota"]),
    (Fault::Quota, &["insufficient_quota"]),
    (Fault::Quota, &["requires more credits"]),
    (Fault::Quota, &["out of credits"]),
    (Fault::Quota, &["no credits"]),
    (Fault::Quota, &["have any credits"]),
    (Fault::Quota, &["purchase credits"]),
    (Fault::Quota, &["exhausted your credits"]),
    (Fault::Quota, &["used all available credits"]),
    (Fault::Quota, &["run out of credits"]),
    (Fault::Quota, &["not enough credits"]),
    (Fault::Quota, &["depleted your monthly"]),
    (Fault::Quota, &["monthly included credits"]),
    (Fault::Quota, &["credit limit", "exceeded"]),
    (Fault::Quota, &["key limit exceeded"]),
    (Fault::Quota, &["spend limit"]),
    (Fault::Quota, &["spending limit"]),
    (Fault::Quota, &["spend alert threshold"]),
    (Fault::Quota, &["usage limits", "regain access"]),
    (Fault::Quota, &["billing hard limit"]),
    (Fault::Quota, &["billing limit"]),
    (Fault::Quota, &["check your billing"]),
    (Fault::Quota, &["billing details"]),
    (Fault::Quota, &["budget has been exceeded"]),
    (Fault::Quota, &["exceeded budget"]),
    (Fault::Quota, &["budget exceeded"]),
    (Fault::Quota, &["payment required"]),
    (Fault::Quota, &["payment method"]),
    (Fault::Quota, &["in good standing"]),
    (Fault::Quota, &["overdue"]),
    (Fault::Quota, &["no remaining balance"]),
    (Fault::Quota, &["balance", "recharge"]),
    (Fault::Quota, &["balance is insufficient"]),
    (Fault::Quota, &["balance not enough"]),
    (Fault::Quota, &["余额不足"]),
    (Fault::Quota, &["欠费"]),
];

/// Patterns that are tried after codes that decide.
const AFTER_CODES: &[Pattern] = &[
    (Fault::Expired, &["before the completion window expired"]),
    (Fault::Expired, &["batch", "expired before"]),
    // Content.
    (Fault::Content, &["content management policy"]),
    (Fault::Content, &["content policy"]),
    (Fault::Content, &["content filter"]),
    (Fault::Content, &["content_filter"]),
    (Fault::Content, &["content filtering policy"]),
    (Fault::Content, &["prompt", "usage polic"]),
    (Fault::Content, &["request", "usage polic"]),
    (Fault::Content, &["content", "usage polic"]),
    (Fault::Content, &["violates usage guidelines"]),
    (Fault::Content, &["failed check: safety"]),
    (Fault::Content, &["safety_check"]),
    (Fault::Content, &["safety system"]),
    (Fault::Content, &["safety filter"]),
    (Fault::Content, &["for safety reasons"]),
    (Fault::Content, &["input was flagged"]),
    (Fault::Content, &["prompt was flagged"]),
    (Fault::Content, &["flagged as potentially"]),
    (Fault::Content, &["requires moderation"]),
    (Fault::Content, &["content exists risk"]),
    (Fault::Content, &["considered high risk"]),
    (Fault::Content, &["inappropriate content"]),
    (Fault::Content, &["sensitive content"]),
    (Fault::Content, &["prohibited_content"]),
    (Fault::Content, &["prohibited content"]),
    (Fault::Content, &["prompt was blocked"]),
    (Fault::Content, &["prompt is blocked"]),
    (Fault::Content, &["response was blocked"]),
    (Fault::Content, &["blocked by", "safety"]),
    (Fault::Content, &["blocked by", "policy"]),
    (Fault::Content, &["blocked by", "guardrail"]),
    (Fault::Content, &["violated guardrail"]),
    (Fault::Content, &["guardrail", "intervened"]),
    (Fault::Content, &["unsafe content"]),
    (Fault::Content, &["safety", "blocked"]),
    (Fault::Content, &["不安全或敏感内容"]),
    (Fault::Content, &["敏感词"]),
    // Too long for the model: a gateway may wrap it in any status.
    (Fault::Request, &["context length"]),
    (Fault::Request, &["context window"]),
    (Fault::Request, &["context size"]),
    (Fault::Request, &["maximum model length"]),
    (Fault::Request, &["max_model_len"]),
    (Fault::Request, &["maximum input length"]),
    (Fault::Request, &["longer than the maximum"]),
    (Fault::Request, &["longer than the model's context"]),
    (Fault::Request, &["prompt is too long"]),
    (Fault::Request, &["input is too long"]),
    (Fault::Request, &["prompt too long"]),
    (Fault::Request, &["input length", "exceed"]),
    (Fault::Request, &["too many tokens in the input"]),
    (Fault::Request, &["exceed", "n_ctx"]),
    (Fault::Request, &["maximum context"]),
    (Fault::Request, &["max_new_tokens"]),
    (Fault::Request, &["token count", "exceeds the maximum"]),
    (Fault::Request, &["too large for model"]),
    (Fault::Request, &["request entity too large"]),
    (Fault::Request, &["payload too large"]),
    (Fault::Request, &["request_too_large"]),
    // Key and account.
    (Fault::Account, &["api key not valid"]),
    (Fault::Account, &["incorrect api key"]),
    (Fault::Account, &["invalid api key"]),
    (Fault::Account, &["invalid api-key"]),
    (Fault::Account, &["invalid api token"]),
    (Fault::Account, &["invalid apikey"]),
    (Fault::Account, &["invalid x-api-key"]),
    (Fault::Account, &["invalid access token"]),
    (Fault::Account, &["invalid bearer"]),
    (Fault::Account, &["invalid token"]),
    (Fault::Account, &["invalid subscription key"]),
    (Fault::Account, &["invalid proxy server token"]),
    (Fault::Account, &["invalid username or password"]),
    (Fault::Account, &["api key", "expired"]),
    (Fault::Account, &["api key", "invalid"]),
    (Fault::Account, &["api key", "disabled"]),
    (Fault::Account, &["api key", "required"]),
    (Fault::Account, &["api key", "missing"]),
    (Fault::Account, &["missing", "api key"]),
    (Fault::Account, &["wrong api key"]),
    (Fault::Account, &["security token", "invalid"]),
    (Fault::Account, &["security token", "expired"]),
    (Fault::Account, &["public access is disabled"]),
    (Fault::Account, &["api key", "revoked"]),
    (Fault::Account, &["provide an api key"]),
    (Fault::Account, &["no api key"]),
    (Fault::Account, &["no auth credentials"]),
    (Fault::Account, &["no cookie auth credentials"]),
    (Fault::Account, &["missing authentication"]),
    (Fault::Account, &["not authenticated"]),
    (Fault::Account, &["missing bearer"]),
    (Fault::Account, &["authentication failed"]),
    (Fault::Account, &["authentication fails"]),
    (Fault::Account, &["authentication error"]),
    (Fault::Account, &["authentication credentials"]),
    (Fault::Account, &["invalid authentication"]),
    (Fault::Account, &["authorization header"]),
    (Fault::Account, &["x-api-key header"]),
    (Fault::Account, &["missing scopes"]),
    (Fault::Account, &["insufficient permissions"]),
    (Fault::Account, &["does not have permission"]),
    (Fault::Account, &["has not been used in project"]),
    (Fault::Account, &["country", "not supported"]),
    (Fault::Account, &["location is not supported"]),
    (Fault::Account, &["region", "not available"]),
    (Fault::Account, &["organization has been"]),
    (Fault::Account, &["account", "deactivated"]),
    (Fault::Account, &["account", "suspended"]),
    (Fault::Account, &["account", "has been flagged"]),
    (Fault::Account, &["no endpoints", "data policy"]),
    (Fault::Account, &["access denied due to"]),
    // Busy.
    (Fault::Busy, &["rate limit"]),
    (Fault::Busy, &["ratelimit"]),
    (Fault::Busy, &["rate_limit"]),
    (Fault::Busy, &["rate-limit"]),
    (Fault::Busy, &["too many requests"]),
    (Fault::Busy, &["overloaded"]),
    (Fault::Busy, &["at capacity"]),
    (Fault::Busy, &["over capacity"]),
    (Fault::Busy, &["no capacity"]),
    (Fault::Busy, &["capacity exceeded"]),
    (Fault::Busy, &["tokens per day"]),
    (Fault::Busy, &["requests per day"]),
    (Fault::Busy, &["tokens per minute"]),
    (Fault::Busy, &["requests per minute"]),
    (Fault::Busy, &["requests per second"]),
    (Fault::Busy, &["loading model"]),
    (Fault::Busy, &["currently loading"]),
    (Fault::Busy, &["still loading"]),
    (Fault::Busy, &["server busy"]),
    (Fault::Busy, &["server is busy"]),
    (Fault::Busy, &["no deployments available"]),
    (Fault::Busy, &["no healthy deployment"]),
    (Fault::Busy, &["throttl"]),
    (Fault::Busy, &["concurren", "limit"]),
    (Fault::Busy, &["limit", "concurren"]),
    (Fault::Busy, &["high traffic"]),
    (Fault::Busy, &["error code: 1015"]),
    (Fault::Busy, &["model unloaded"]),
    (Fault::Busy, &["model is unloaded"]),
    (Fault::Busy, &["queue is full"]),
    // Model.
    (Fault::Model, &["does not work with the specified model"]),
    (Fault::Request, &["unsupported parameter"]),
    (Fault::Request, &["unsupported value"]),
    (Fault::Request, &["with this model"]),
    (Fault::Request, &["this model does not support"]),
    (Fault::Model, &["model", "not found"]),
    (Fault::Model, &["not found the model"]),
    (Fault::Model, &["model", "not exist"]),
    (Fault::Model, &["model", "doesn't exist"]),
    (Fault::Model, &["not a valid model"]),
    (Fault::Model, &["invalid model"]),
    (Fault::Model, &["model identifier is invalid"]),
    (Fault::Model, &["unknown model"]),
    (Fault::Model, &["no such model"]),
    (Fault::Model, &["unsupported model"]),
    (Fault::Model, &["unable to access", "model"]),
    (Fault::Model, &["not have access to", "model"]),
    (Fault::Model, &["don't have access to", "model"]),
    (Fault::Model, &["not allowed to access model"]),
    (Fault::Model, &["model", "decommissioned"]),
    (Fault::Model, &["model", "deprecated"]),
    (Fault::Model, &["model", "retired"]),
    (Fault::Model, &["model", "end of life"]),
    (Fault::Model, &["model", "not supported"]),
    (Fault::Model, &["model", "isn't supported"]),
    (Fault::Model, &["model", "not available"]),
    (Fault::Model, &["model", "not currently available"]),
    (Fault::Model, &["model", "no longer available"]),
    (Fault::Model, &["model", "not served"]),
    (Fault::Model, &["model", "not loaded"]),
    (Fault::Model, &["model disabled"]),
    (Fault::Model, &["no models loaded"]),
    (Fault::Model, &["no model loaded"]),
    (Fault::Model, &["could not load model"]),
    (Fault::Model, &["failed to load model"]),
    (Fault::Model, &["model requires more system memory"]),
    (Fault::Model, &["no endpoints found for"]),
    (Fault::Model, &["no allowed providers"]),
    (Fault::Model, &["not a chat model"]),
    (Fault::Model, &["deployment", "does not exist"]),
    (Fault::Model, &["deployment", "not found"]),
    (Fault::Model, &["endpoint", "is not running"]),
    (Fault::Model, &["not found for account"]),
    (Fault::Model, &["try pulling it first"]),
    (Fault::Model, &["llm provider not provided"]),
    (Fault::Model, &["模型不存在"]),
    // Path.
    (Fault::NotFound, &["unexpected endpoint"]),
    (Fault::NotFound, &["invalid url (post"]),
    (Fault::NotFound, &["invalid url (get"]),
    (Fault::NotFound, &["no route"]),
    (Fault::NotFound, &["cannot post /"]),
    (Fault::NotFound, &["cannot get /"]),
    (Fault::NotFound, &["unknown request url"]),
    (Fault::NotFound, &["page not found"]),
    (Fault::NotFound, &["method not allowed"]),
    // Form of the request.
    (Fault::Request, &["extra inputs are not permitted"]),
    (Fault::Request, &["extra fields not permitted"]),
    (Fault::Request, &["unrecognized request argument"]),
    (Fault::Request, &["badrequesterror"]),
    (Fault::Request, &["validation error"]),
];

/// Names of what a request may hold, as messages call them.
const PARAMETERS: &[&str] = &[
    "parameter",
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "response_format",
    "json_schema",
    "json mode",
    "json_object",
    "structured output",
    "logprobs",
    "logit_bias",
    "'seed'",
    "system role",
    "system message",
    "system instruction",
    "developer instruction",
    "reasoning_effort",
    "reasoning effort",
    "tool",
    "image",
    "stop sequence",
    "prefill",
];

fn matches(message: &str, patterns: &[Pattern]) -> Option<Fault> {
    let holds = |words: &[&str]| {
        words
            .iter()
            .try_fold(message, |rest, word| {
                rest.find(word).and_then(|at| rest.get(at + word.len()..))
            })
            .is_some()
    };
    patterns.iter().find(|(_, words)| holds(words)).map(|(fault, _)| *fault)
}

/// Whether a message says that a model does not take a parameter: nothing is wrong with the model's name.
fn about_parameter(message: &str) -> bool {
    ["not support", "unsupported", "not available", "not allowed", "not enabled", "not permitted"]
        .iter()
        .any(|word| message.contains(word))
        && PARAMETERS.iter().any(|name| message.contains(name))
}

/// What is at fault, by the provider's code, then by its message, then by the HTTP status.
///
/// A status alone says too little: OpenAI answers 429 to an empty account, Anthropic 400; xAI answers 403 to a
/// single text that its filter does not like, and others 404 to a model that this key may not use.
pub fn classify(status: Option<u16>, code: &str, message: &str) -> Fault {
    let code = code.trim().to_lowercase().replace([' ', '-'], "_");
    let message = message.to_lowercase().replace(['\u{2019}', '`'], "'");
    if let Some(fault) = matches(&message, BEFORE_CODES) {
        return fault;
    }
    let by_code = CODES.iter().find(|(_, codes)| codes.contains(&code.as_str()));
    if let Some((fault, _)) = by_code {
        return *fault;
    }
    // A page of a gateway or of a server in trouble says what its status says.
    let in_trouble = status.is_some_and(|s| (500..600).contains(&s));
    match matches(&message, AFTER_CODES) {
        Some(Fault::Model) if about_parameter(&message) => return Fault::Request,
        // "The model is not available", said with 503, is no statement about its name.
        Some(Fault::Model | Fault::Account | Fault::NotFound)
            if in_trouble && status != Some(500) => {}
        Some(fault) => return fault,
        None => {}
    }
    match code.as_str() {
        "not_found_error" if message.contains("model:") => return Fault::Model,
        "permission_error" | "permission_denied" | "permissiondenied" | "forbidden" => {
            return Fault::Account;
        }
        "resource_exhausted" | "unavailable" => return Fault::Busy,
        _ => {}
    }
    match (status, code.as_str()) {
        (Some(s), _) if !(200..300).contains(&s) => of_status(s),
        (_, "not_found_error" | "not_found" | "notfound" | "notfounderror") => Fault::NotFound,
        (
            _,
            "invalid_request_error"
            | "invalid_request"
            | "invalid_argument"
            | "bad_request"
            | "badrequest"
            | "badrequesterror"
            | "validation_error"
            | "validation"
            | "invalid_value",
        ) => Fault::Request,
        _ => Fault::Server,
    }
}

/// Sources: <https://www.rfc-editor.org/rfc/rfc9110#name-status-codes>, for 529
/// <https://docs.anthropic.com/en/api/errors>, for 520 to 530
/// <https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/>.
fn of_status(status: u16) -> Fault {
    match status {
        409 | 423 | 425 | 429 | 503 | 529 => Fault::Busy,
        401 | 403 | 407 | 511 => Fault::Account,
        402 => Fault::Quota,
        451 => Fault::Content,
        408 | 424 | 499 => Fault::Server,
        // A redirect ends at a login page, and a method that is not allowed at another path.
        300..=399 | 404 | 405 | 410 | 501 => Fault::NotFound,
        400..=498 => Fault::Request,
        _ => Fault::Server,
    }
}
