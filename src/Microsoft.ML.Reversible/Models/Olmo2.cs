using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Models;

/// <summary>
/// The shape of an OLMo 2: Llama's blocks with norms after attention and MLP instead of before, and norms of all queries and of all keys.
/// </summary>
internal sealed record Olmo2Configuration : LlamaLikeConfiguration
{
    internal const string ModelType = "olmo2";

    [SetsRequiredMembers]
    private Olmo2Configuration(ModelShape shape) : base(shape)
    {
    }

    [SetsRequiredMembers]
    private Olmo2Configuration(ConfigurationJson json) : base(json, new() { Epsilon = 1e-5 }) =>
        AttentionBias = json.Value("attention_bias", ifAbsent: false);

    /// <inheritdoc/>
    public override ModelFamily Family => ModelFamily.Olmo2;

    internal override QueryKeyNorm QueryKeyNorm => QueryKeyNorm.AllHeads;

    internal override BlockNorms Norms => BlockNorms.After;

    private protected override (string Architecture, string ModelType) Names => ("Olmo2ForCausalLM", ModelType);

    /// <inheritdoc cref="LlamaConfiguration.Of"/>
    internal static Olmo2Configuration Of(ModelShape shape) => new(shape);

    /// <inheritdoc cref="LlamaConfiguration.Read"/>
    internal static Olmo2Configuration Read(ConfigurationJson json) => new(json);

    private protected override void WriteOwn(JsonObject json) => json["attention_bias"] = AttentionBias;
}
