using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Transforms;

namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>What the score mapping reads: the text, and the model that scores it.</summary>
internal sealed class PortableScoreInput
{
    [ColumnName(PortableChain.TextColumn)]
    public ReadOnlyMemory<char> Text { get; set; }

    [ColumnName(PortableChain.ArchiveColumn)]
    public ReadOnlyMemory<char> Archive { get; set; }
}

/// <summary>What the score mapping adds.</summary>
internal sealed class PortableScoreOutput
{
    [ColumnName(PortableChain.LogLikelihoodColumn)]
    public float LogLikelihood { get; set; }

    [ColumnName(PortableChain.TokenCountColumn)]
    public int TokenCount { get; set; }

    [ColumnName(PortableChain.PerplexityColumn)]
    public float Perplexity { get; set; }
}

/// <summary>Scores a text with the model whose archive stands in the same row. ML.NET finds this class by its contract's name.</summary>
[CustomMappingFactoryAttribute(Contract)]
internal sealed class PortableScoreMapping : CustomMappingFactory<PortableScoreInput, PortableScoreOutput>
{
    public const string Contract = "Microsoft.ML.Reversible.Score.v1";

    // A value mapping hands on the same buffer for every row, so the buffer stands for the model, and the model goes when the chain does.
    private static readonly ConditionalWeakTable<object, Lazy<ITextScorer>> _scorers = [];

    /// <summary>Makes a model of an archive's bytes. A loaded chain has no other way to its model than this static one.</summary>
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
