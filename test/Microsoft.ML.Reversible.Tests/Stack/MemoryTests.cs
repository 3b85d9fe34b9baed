using Microsoft.ML.Reversible.Benchmarks;

namespace Microsoft.ML.Reversible.Tests.Stack;

[TestClass]
public sealed class MemoryTests
{
    /// <summary>
    /// Measures the memory of a step beyond parameters, gradients and optimizer state at depths 4 and 32, or 64 with REVERSIBLE_FULL=1,
    /// each in its own process. In the reversible mode the depths may differ by memory that the allocator keeps, about 30 MiB at any depth.
    /// In the stored mode the memory grows by each layer's activations, 19 MiB per layer.
    /// </summary>
    [TestMethod]
    public void ReversibleTrainingGrowsWithDepthOnlyByParametersGradientsAndOptimizer()
    {
        int deepest = Environment.GetEnvironmentVariable("REVERSIBLE_FULL") == "1" ? 64 : 32;
        double reversible = Growth(BackwardMode.Reversible, deepest), stored = Growth(BackwardMode.Stored, deepest);
        Assert.IsGreaterThan(15.0 * (deepest - 4), stored, $"stored, MiB from 4 to {deepest} layers");
        Assert.IsLessThan(80.0, reversible, $"reversible, MiB from 4 to {deepest} layers");
    }

    private static double Growth(BackwardMode backwardMode, int deepest)
    {
        MemoryOfAStep.Result shallow = Measure(4), deep = Measure(deepest);
        return (deep.Peak - deep.Fixed - (shallow.Peak - shallow.Fixed)) / 1048576.0;

        MemoryOfAStep.Result Measure(int layers) => MemoryByDepth.Measure(layers, backwardMode, Scheme.Midpoint, Arithmetic.Float);
    }
}
