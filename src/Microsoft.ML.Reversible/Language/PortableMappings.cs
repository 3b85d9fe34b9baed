using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Transforms;

namespace Microsoft.ML.Reversible.Language;

/// <summary>The input of the score mapping: a text and the model.</summary>
internal sealed class PortableScoreInput
{
    [ColumnName(PortableChain.TextColumn)]
    public ReadOnlyMemory<char> Text { get; set; }

    [ColumnName(PortableChain.ArchiveColumn)]
    public ReadOnlyMemory<char> Archive { get; set; }
}

/// <summary>The output of the score mapping.</summary>
internal sealed class PortableScoreOutput
{
    [ColumnName(PortableChain.LogLikelihoodColumn)]
    public float LogLikelihood { get; set; }

    [ColumnName(PortableChain.TokenCountColumn)]
    public int TokenCount { get; set; }

    [ColumnName(PortableChain.PerplexityColumn)]
    public float Perplexity { get; set; }
}

/// <summary>Computes a text's log-likelihood with the model in the same row. ML.NET finds this class by its contract's name.</summary>
[CustomMappingFactoryAttribute(Contract)]
internal sealed class PortableScoreMapping : CustomMappingFactory<PortableScoreInput, PortableScoreOutput>
{
    public const string Contract = "Microsoft.ML.Reversible.Score.v1";

    // A value mapping returns the same buffer for every row, so the buffer serves as the model's key, and the model lives as long as the
    // chain.
    private static readonly ConditionalWeakTable<object, Lazy<ITextScorer>> _scorers = [];

    /// <summary>Opens an archive. It is static because a loaded chain cannot reach its model otherwise.</summary>
    internal static Func<byte[], ITextScorer> OpenArchive { get; set; } = ModelArchive.Open;

    public static void Map(PortableScoreInput input, PortableScoreOutput output)
    {
        TextScore score = ScorerOf(input.Archive).Score(input.Text.Span);
        output.LogLikelihood = score.LogLikelihood;
        output.TokenCount = score.TokenCount;
        output.Perplexity = score.Perplexity;
    }

    public override Action<PortableScoreInput, PortableScoreOutput> GetMapping() => Map;

    private static ITextScorer ScorerOf(ReadOnlyMemory<char> archive)
        => _scorers.GetValue(
            BufferOf(archive),
            _ => new Lazy<ITextScorer>(() => Open(archive), LazyThreadSafetyMode.PublicationOnly)).Value;

    private static ITextScorer Open(ReadOnlyMemory<char> archive)
    {
        NativeTorch.Require();
        return OpenArchive(PortableChain.Decode(archive.Span));
    }

    private static object BufferOf(ReadOnlyMemory<char> text)
    {
        if (MemoryMarshal.TryGetString(text, out string? whole, out _, out _))
            return whole;
        if (MemoryMarshal.TryGetArray(text, out ArraySegment<char> part) && part.Array is { Length: > 0 } array)
            return array;
        throw new InvalidDataException("The saved model's archive is missing.");
    }
}

/// <summary>The input of a mapping that reads no column.</summary>
internal sealed class NoColumns
{
}

/// <summary>The row with the constant key that the chain's value mapping maps to the archive.</summary>
internal sealed class PortableKeyRow
{
    [ColumnName(PortableChain.KeyColumn)]
    public string Key { get; set; } = "";
}

/// <summary>Adds the constant key. ML.NET finds this class by its contract's name, so that name is part of the file format.</summary>
[CustomMappingFactoryAttribute(Contract)]
internal sealed class PortableKeyMapping : CustomMappingFactory<NoColumns, PortableKeyRow>
{
    public const string Contract = "Microsoft.ML.Reversible.Key.v1";

    public static void Map(NoColumns input, PortableKeyRow output) => output.Key = PortableChain.ArchiveKey;

    public override Action<NoColumns, PortableKeyRow> GetMapping() => Map;
}
