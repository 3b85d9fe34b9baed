namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>A tensor that a file must have.</summary>
/// <param name="Name">Its name with the family's prefix.</param>
/// <param name="Shape">Its shape in the file.</param>
internal readonly record struct ExpectedTensor(string Name, params long[] Shape);

/// <summary>
/// The tensors of a model by its configuration alone: a damaged configuration may ask for any amount of memory, so a file is compared
/// before a network is made. The list is lazy, because it may also name any number of layers.
/// </summary>
internal static class ExpectedTensors
{
    public const string Head = "lm_head.weight";

    /// <summary>What the names begin with in most files; files of the model without its head leave it out.</summary>
    public static string Prefix(ModelFamily family) => family == ModelFamily.Gpt2 ? "transformer." : "model.";

    /// <summary>Name of the matrix that a tied head shares.</summary>
    public static string Embedding(ModelFamily family) =>
        family == ModelFamily.Gpt2 ? "transformer.wte.weight" : "model.embed_tokens.weight";

    /// <summary>Whether a name is that of a buffer that older files carry and that holds nothing learned.</summary>
    public static bool IsBuffer(ModelFamily family, string name) => family == ModelFamily.Gpt2
        ? name.EndsWith(".attn.bias", StringComparison.Ordinal) || name.EndsWith(".attn.masked_bias", StringComparison.Ordinal)
        : name.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal);

    public static IEnumerable<ExpectedTensor> Of(LanguageModelConfiguration configuration)
    {
        long width = configuration.Width, vocabulary = configuration.VocabularySize;
        yield return new(Embedding(configuration.Family), vocabulary, width);
        IEnumerable<ExpectedTensor> others = configuration switch
        {
            GptConfiguration gpt => Gpt(gpt),
            LlamaConfiguration llama => Llama(llama),
            _ => throw new ArgumentException($"{configuration.GetType().Name} has no known files.", nameof(configuration)),
        };
        foreach (ExpectedTensor tensor in others) yield return tensor;
        if (!configuration.TiedHead) yield return new(Head, vocabulary, width);
    }

    private static IEnumerable<ExpectedTensor> Gpt(GptConfiguration configuration)
    {
        long width = configuration.Width, hidden = configuration.HiddenWidth;
        yield return new("transformer.wpe.weight", configuration.ContextLength, width);
        for (int layer = 0; layer < configuration.LayerCount; layer++)
        {
            string at = $"transformer.h.{layer}.";
            yield return new(at + "ln_1.weight", width);
            yield return new(at + "ln_1.bias", width);
            yield return new(at + "attn.c_attn.weight", width, 3 * width);
            yield return new(at + "attn.c_attn.bias", 3 * width);
            yield return new(at + "attn.c_proj.weight", width, width);
            yield return new(at + "attn.c_proj.bias", width);
            yield return new(at + "ln_2.weight", width);
            yield return new(at + "ln_2.bias", width);
            yield return new(at + "mlp.c_fc.weight", width, hidden);
            yield return new(at + "mlp.c_fc.bias", hidden);
            yield return new(at + "mlp.c_proj.weight", hidden, width);
            yield return new(at + "mlp.c_proj.bias", width);
        }
        yield return new("transformer.ln_f.weight", width);
        yield return new("transformer.ln_f.bias", width);
    }

    private static IEnumerable<ExpectedTensor> Llama(LlamaConfiguration configuration)
    {
        long width = configuration.Width, hidden = configuration.HiddenWidth;
        long query = (long)configuration.HeadCount * configuration.HeadSize;
        long keyValue = (long)configuration.KeyValueHeads * configuration.HeadSize;
        for (int layer = 0; layer < configuration.LayerCount; layer++)
        {
            string at = $"model.layers.{layer}.";
            yield return new(at + "input_layernorm.weight", width);
            yield return new(at + "self_attn.q_proj.weight", query, width);
            yield return new(at + "self_attn.k_proj.weight", keyValue, width);
            yield return new(at + "self_attn.v_proj.weight", keyValue, width);
            yield return new(at + "self_attn.o_proj.weight", width, query);
            yield return new(at + "post_attention_layernorm.weight", width);
            yield return new(at + "mlp.gate_proj.weight", hidden, width);
            yield return new(at + "mlp.up_proj.weight", hidden, width);
            yield return new(at + "mlp.down_proj.weight", width, hidden);
        }
        yield return new("model.norm.weight", width);
    }
}
