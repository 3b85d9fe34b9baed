using Microsoft.ML.Reversible.Benchmarks;

namespace Microsoft.ML.Reversible.Tests.Stack;

[TestClass]
public sealed class MemoryTests
{
    /// <summary>
    /// What a step needs beyond parameters, gradients and optimizer state, at depth 4 and 32, or 64 with REVERSIBLE_FULL=1, each in a
    /// process of its own. The reversible one may differ by what an allocator leaves over, 30 MiB or so at any depth; the stored one grows
    /// by every layer's activations, 19 MiB a layer.
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
