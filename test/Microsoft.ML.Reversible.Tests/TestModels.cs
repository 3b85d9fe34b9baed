using Microsoft.ML.Reversible.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests;

/// <summary>Small networks and data for tests.</summary>
internal static class TestModels
{
    public static readonly GptConfiguration Small =
        new() { VocabularySize = 50, ContextLength = 16, LayerCount = 3, HeadCount = 2, Width = 32 };

    public static readonly LlamaConfiguration SmallLlama =
        new() { VocabularySize = 50, ContextLength = 16, LayerCount = 3, HeadCount = 4, KeyValueHeadCount = 2, Width = 32 };

    /// <summary>
    /// Returns a small shape of a family. Where the family has windows, rotates parts of heads or caps numbers, so does this shape, within
    /// 16 tokens.
    /// </summary>
    public static LanguageModelConfiguration Of(ModelFamily family)
    {
        LanguageModelConfiguration made = ModelFamilyRow.Of(family).Make(
            new(50, 16, 3, 4, 32) { KeyValueHeadCount = family == ModelFamily.Gpt2 ? null : 2 });
        return made switch
        {
            MistralConfiguration mistral => mistral with { SlidingWindow = 5 },
            Qwen2Configuration qwen => qwen with { SlidingWindow = 6, SlidingLayers = LayerSet.From(2) },
            Qwen3Configuration qwen => qwen with { HeadWidth = 12, AttentionBias = true },
            Phi3Configuration phi => phi with { SlidingWindow = 7, Rope = phi.Rope with { Fraction = 0.5 } },
            Gemma2Configuration gemma => gemma with { SlidingWindow = 5, GivenScoreCap = 0.5, GivenLogitCap = 2, QueryScalar = 5 },
            Gemma3Configuration gemma => gemma with { SlidingWindow = 4, SlidingLayers = LayerSet.AllButEvery(3) },
            Smollm3Configuration smol => smol with { RotatedLayers = LayerSet.AllButEvery(2) },
            _ => made,
        };
    }

    public static LanguageNetwork Make(
        LanguageModelConfiguration configuration, Scheme scheme, BackwardMode backwardMode, Precision precision = Precision.Float32,
        Device? device = null, int seed = 1, Arithmetic arithmetic = Arithmetic.Float) =>
        configuration.Build(scheme, backwardMode, arithmetic, precision, device ?? CPU, seed);

    /// <summary>Random token ids of shape [rows, context].</summary>
    public static Tensor Ids(LanguageModelConfiguration configuration, int rows, int context, ulong seed = 5)
    {
        using var random = new Generator(seed);
        return randint(0, configuration.VocabularySize, [rows, context], dtype: ScalarType.Int64, generator: random);
    }

    /// <summary>‖actual - expected‖ / ‖expected‖.</summary>
    public static double RelativeError(Tensor actual, Tensor expected)
    {
        using var scope = NewDisposeScope();
        Tensor e = expected.detach().to(ScalarType.Float64).cpu();
        return ((actual.detach().to(ScalarType.Float64).cpu() - e).norm() / e.norm()).ToDouble();
    }

    /// <summary>Whether two tensors are of one shape and hold the same bits.</summary>
    public static bool SameBits(Tensor a, Tensor b)
    {
        using var scope = NewDisposeScope();
        return a.shape.SequenceEqual(b.shape) && a.detach().cpu().contiguous().bytes.SequenceEqual(b.detach().cpu().contiguous().bytes);
    }

    /// <summary>
    /// Number of native tensors that are not disposed of. A parameter of a model counts once while it lives, like any other tensor.
    /// </summary>
    public static long LiveTensors()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return Tensor.TotalCount - ParameterFactory.Count;
    }

    /// <summary>Ends a test as inconclusive where there is no CUDA device.</summary>
    public static Device RequireCuda()
    {
        if (!cuda.is_available()) Assert.Inconclusive("libtorch finds no CUDA device on this machine.");
        return CUDA;
    }
}
