//! Whether this processor supports the instructions that llama.cpp was built with.

use crate::engine::Broken;

/// llama.cpp is built for processors since 2013 (x86-64-v3), plus what its build was configured for; other processors
/// would crash at the first unknown instruction.
#[cfg(target_arch = "x86_64")]
pub(crate) fn check() -> Result<(), Broken> {
    use std::arch::is_x86_feature_detected as has;

    let usual = |setting: Option<&str>| setting != Some("OFF");
    let told = |setting: Option<&str>| setting == Some("ON");
    let wide = has!("avx512f")
        && has!("avx512cd")
        && has!("avx512bw")
        && has!("avx512dq")
        && has!("avx512vl");
    let parts = [
        ("GGML_AVX2", usual(option_env!("GGML_AVX2")), has!("avx2")),
        ("GGML_FMA", usual(option_env!("GGML_FMA")), has!("fma")),
        ("GGML_F16C", usual(option_env!("GGML_F16C")), has!("f16c")),
        ("GGML_BMI2", usual(option_env!("GGML_BMI2")), has!("bmi2")),
        ("GGML_AVX512", told(option_env!("GGML_AVX512")), wide),
        ("GGML_AVX512_VBMI", told(option_env!("GGML_AVX512_VBMI")), has!("avx512vbmi")),
        ("GGML_AVX512_VNNI", told(option_env!("GGML_AVX512_VNNI")), has!("avx512vnni")),
        ("GGML_AVX512_BF16", told(option_env!("GGML_AVX512_BF16")), has!("avx512bf16")),
        ("GGML_AVX_VNNI", told(option_env!("GGML_AVX_VNNI")), has!("avxvnni")),
    ];
    let lacks: Vec<String> = parts
        .into_iter()
        .filter(|(_, built, there)| *built && !there)
        .map(|(name, _, _)| format!("{name}=OFF"))
        .collect();
    if lacks.is_empty() {
        return Ok(());
    }
    Err(Broken::refused(format!(
        "this program was built for another processor; build it on this machine, with {} in the environment, or \
         use --backend chat with a server elsewhere",
        lacks.join(" ")
    )))
}

#[cfg(not(target_arch = "x86_64"))]
#[expect(clippy::unnecessary_wraps, reason = "other processors can fail")]
pub(crate) fn check() -> Result<(), Broken> {
    Ok(())
}
