using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible;

/// <summary>The shape of a transformer of the Llama family.</summary>
public sealed record LlamaConfiguration : LlamaLikeConfiguration
{
    internal const string ModelType = "llama";

    /// <summary>Makes a configuration of the required values, with the family's defaults.</summary>
    public LlamaConfiguration()
    {
    }

    [SetsRequiredMembers]
    private LlamaConfiguration(ModelShape shape) : base(shape)
    {
    }

    [SetsRequiredMembers]
    private LlamaConfiguration(ConfigurationJson json) : base(json, new())
    {
        json.Expect("pretraining_tp", 1);
        AttentionBias = json.Value("attention_bias", ifAbsent: false);
        MlpBias = json.Value("mlp_bias", ifAbsent: false);
    }

    /// <inheritdoc/>
    public override ModelFamily Family => ModelFamily.Llama;

    private protected override (string Architecture, string ModelType) Names => ("LlamaForCausalLM", ModelType);

    private protected override string GgufArchitecture => LlamaGguf.InterleavedArchitecture;

    /// <summary>Makes the configuration of a shape.</summary>
    internal static LlamaConfiguration Of(ModelShape shape) => new(shape);

    /// <summary>Reads the fields of a config.json.</summary>
    /// <exception cref="InvalidDataException">A field is missing or malformed, or has a value that is not supported.</exception>
    internal static LlamaConfiguration Read(ConfigurationJson json) => new(json);

    private protected override void WriteOwn(JsonObject json)
    {
        json["attention_bias"] = AttentionBias;
        json["mlp_bias"] = MlpBias;
    }
}
