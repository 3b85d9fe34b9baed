using Microsoft.ML.Reversible.Benchmarks;

namespace Microsoft.ML.Reversible.Tests.Stack;

[TestClass]
public sealed class MemoryTests
{
    /// <summary>
    /// What a step needs beyond parameters, gradients and optimizer state, at depth 4 and 64, each in a process of its own. The reversible
    /// one may differ by what an allocator leaves over; the stored one grows by every layer's activations (about 9 MiB a layer here).
    /// </summary>
    [TestMethod]
    public void ReversibleTrainingGrowsWithDepthOnlyByParametersGradientsAndOptimizer()
    {
        double reversible = Growth(WayBack.Reversible), stored = Growth(WayBack.Stored);
        Assert.IsGreaterThan(1000.0, stored, "stored, MiB from 4 to 64 layers");
        Assert.IsLessThan(0.05 * stored, reversible, "reversible, MiB from 4 to 64 layers");
    }

    private static double Growth(WayBack wayBack)
    {
        MemoryOfAStep.Result shallow = Measure(4), deep = Measure(64);
        return (deep.Peak - deep.Fixed - (shallow.Peak - shallow.Fixed)) / 1048576.0;

        MemoryOfAStep.Result Measure(int layers) => MemoryByDepth.Measure(layers, wayBack, Scheme.Midpoint, Arithmetic.Float);
    }
}
