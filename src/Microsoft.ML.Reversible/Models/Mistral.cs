using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Models;

/// <summary>The shape of a Mistral: Llama's blocks, with a sliding window in all layers or in none.</summary>
internal sealed record MistralConfiguration : LlamaLikeConfiguration
{
    internal const string ModelType = "mistral";

    [SetsRequiredMembers]
    private MistralConfiguration(ModelShape shape) : base(shape)
    {
    }

    [SetsRequiredMembers]
    private MistralConfiguration(ConfigurationJson json) : base(json, new() { KeyValueHeads = 8 }) =>
        SlidingWindow = json.IsGiven("sliding_window") ? json.Number("sliding_window") : 4096;

    /// <inheritdoc/>
    public override ModelFamily Family => ModelFamily.Mistral;

    private protected override (string Architecture, string ModelType) Names => ("MistralForCausalLM", ModelType);

    private protected override string GgufArchitecture => LlamaGguf.InterleavedArchitecture;

    /// <inheritdoc cref="LlamaConfiguration.Of"/>
    internal static MistralConfiguration Of(ModelShape shape) => new(shape);

    /// <inheritdoc cref="LlamaConfiguration.Read"/>
    internal static MistralConfiguration Read(ConfigurationJson json) => new(json);

    private protected override void WriteOwn(JsonObject json) => json["sliding_window"] = SlidingWindow;
}
