using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Models;

/// <summary>
/// The shape of a Phi-3: Llama's blocks, whose files join the projections to queries, keys and values, and the MLP's gate and up. Only a
/// part of each head may be rotated.
/// </summary>
internal sealed record Phi3Configuration : LlamaLikeConfiguration
{
    internal const string ModelType = "phi3";

    [SetsRequiredMembers]
    private Phi3Configuration(ModelShape shape) : base(shape)
    {
    }

    [SetsRequiredMembers]
    private Phi3Configuration(ConfigurationJson json) : base(json, new() { Epsilon = 1e-5 })
    {
        // transformers takes yarn in these files for longrope.
        if (Rope.Scaling is not null)
            throw new InvalidDataException("its rotary positions are scaled, and for phi3 only \"default\" is supported");
        SlidingWindow = json.Number("sliding_window");
    }

    /// <inheritdoc/>
    public override ModelFamily Family => ModelFamily.Phi3;

    internal override bool JoinedProjections => true;

    private protected override bool RotatesParts => true;

    private protected override (string Architecture, string ModelType) Names => ("Phi3ForCausalLM", ModelType);

    /// <inheritdoc cref="LlamaConfiguration.Of"/>
    internal static Phi3Configuration Of(ModelShape shape) => new(shape);

    /// <inheritdoc cref="LlamaConfiguration.Read"/>
    internal static Phi3Configuration Read(ConfigurationJson json) => new(json);

    private protected override void WriteOwn(JsonObject json)
    {
        json["partial_rotary_factor"] = Rope.Fraction;
        json["sliding_window"] = SlidingWindow;
        // transformers' default is an id outside of small vocabularies.
        json["pad_token_id"] = null;
    }
}
