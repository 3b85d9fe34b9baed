namespace Microsoft.ML.Reversible.Models;

/// <summary>Describes Llama and the families that vary it for GGUF files.</summary>
internal static class LlamaGguf
{
    /// <summary>The architecture for which llama.cpp rotates neighbouring numbers of a head instead of its two halves.</summary>
    public const string InterleavedArchitecture = "llama";

    private static readonly Dictionary<string, string> _names = new()
    {
        ["model.embed_tokens"] = "token_embd",
        ["input_layernorm"] = "attn_norm",
        ["self_attn.q_proj"] = "attn_q",
        ["self_attn.k_proj"] = "attn_k",
        ["self_attn.v_proj"] = "attn_v",
        ["self_attn.o_proj"] = "attn_output",
        ["self_attn.q_norm"] = "attn_q_norm",
        ["self_attn.k_norm"] = "attn_k_norm",
        ["post_attention_layernorm"] = "ffn_norm",
        ["mlp.gate_proj"] = "ffn_gate",
        ["mlp.up_proj"] = "ffn_up",
        ["mlp.down_proj"] = "ffn_down",
        ["model.norm"] = "output_norm",
        [LanguageNetwork.HeadName] = "output",
    };

    /// <summary>Describes a model.</summary>
    /// <exception cref="NotSupportedException">llama.cpp would compute something else.</exception>
    public static GgufForm Of(LlamaLikeConfiguration model, string architecture)
    {
        if (model.SlidingWindow is { } window && Enumerable.Range(0, model.LayerCount).Any(model.SlidingLayers.Contains))
            throw GgufForm.Refusal(
                $"its attention has a sliding window of {window} tokens, which llama.cpp ignores for this architecture. If its texts are " +
                "not longer, set sliding_window to null in config.json");
        bool interleaves = architecture == InterleavedArchitecture;
        return new(
            architecture,
            [
                ("vocab_size", (uint)model.VocabularySize),
                ("context_length", (uint)model.ContextLength),
                ("embedding_length", (uint)model.Width),
                ("block_count", (uint)model.LayerCount),
                ("feed_forward_length", (uint)model.HiddenWidth),
                ("attention.head_count", (uint)model.HeadCount),
                ("attention.head_count_kv", (uint)model.KeyValueHeads),
                ("attention.key_length", (uint)model.HeadSize),
                ("attention.value_length", (uint)model.HeadSize),
                ("attention.layer_norm_rms_epsilon", (float)model.NormEpsilon),
                ("rope.dimension_count", (uint)model.HeadSize),
                ("rope.freq_base", (float)model.RopeTheta),
            ],
            _names)
        {
            Interleaved = interleaves
                ? new Dictionary<string, int> { ["self_attn.q_proj"] = model.HeadCount, ["self_attn.k_proj"] = model.KeyValueHeads }
                : new Dictionary<string, int>(),
            FrequencyDivisors = interleaves || model.Rope.Scaling is null
                ? Divisors(model)
                : throw GgufForm.Refusal("its rotary positions are scaled, which llama.cpp ignores for this architecture"),
        };
    }

    /// <summary>Returns what the scaling of the rotary positions divides each frequency by.</summary>
    private static float[]? Divisors(LlamaLikeConfiguration model)
    {
        switch (model.Rope.Scaling)
        {
            case null: return null;
            case LinearScaling or Llama3Scaling:
                double[] scaled = model.Rope.Frequencies(model.HeadSize, model.ContextLength);
                double[] plain = (model.Rope with { Scaling = null }).Frequencies(model.HeadSize, model.ContextLength);
                return [.. plain.Zip(scaled, (of, to) => (float)(of / to))];
            default: throw GgufForm.Refusal("its rotary positions are scaled, and only the types linear and llama3 are written");
        }
    }
}
