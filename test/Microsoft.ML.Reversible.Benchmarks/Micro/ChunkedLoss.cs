using BenchmarkDotNet.Attributes;
using Microsoft.ML.Reversible.Language;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Benchmarks.Micro;

/// <summary>
/// Times head and cross-entropy of 2,048 tokens of width 256 over 8,192 ids: the loss with gradients, and the loss alone.
/// </summary>
public class ChunkedLoss : MicroBenchmark
{
    private Tensor _hidden = null!;
    private Tensor _weight = null!;
    private Tensor _gradWeight = null!;
    private Tensor _targets = null!;

    /// <summary>The number type of the matrix products.</summary>
    [ParamsSource(nameof(Precisions))]
    public Precision Precision { get; set; }

    public static IEnumerable<Precision> Precisions =>
        DeviceName == "cpu" ? [Precision.Float32] : [Precision.Float32, Precision.BFloat16];

    [GlobalSetup]
    public void Make()
    {
        int tokens = Size(2048, 8), width = Size(256, 8), vocabulary = Size(8192, 32);
        _hidden = randn(tokens, width, device: Device);
        _weight = randn(vocabulary, width, device: Device);
        _gradWeight = zeros(vocabulary, width, device: Device);
        _targets = randint(0, vocabulary, [tokens], dtype: ScalarType.Int64, device: Device);
    }

    [GlobalCleanup]
    public void Free()
    {
        foreach (Tensor made in (Tensor[])[_hidden, _weight, _gradWeight, _targets]) made.Dispose();
    }

    [Benchmark]
    public void Differentiate()
    {
        using var scope = NewDisposeScope();
        ChunkedCrossEntropy.Differentiate(
            _hidden, _weight, _targets, _gradWeight, 1.0 / _targets.numel(), labelSmoothing: 0, Precision.ToScalarType());
        Finish();
    }

    [Benchmark]
    public void LogLikelihood()
    {
        using var scope = NewDisposeScope();
        ChunkedCrossEntropy.LogLikelihood(_hidden, _weight, _targets, Precision.ToScalarType());
        Finish();
    }
}
