using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Packages.Torch;

[TestClass]
[DoNotParallelize]
public class RandomTests
{
    [TestMethod]
    public void EqualSeedsDrawEqualNumbers()
    {
        using var first = new Generator(5);
        using var second = new Generator(5);
        Assert.IsTrue(randn(10, generator: first).allclose(randn(10, generator: second)));
        Assert.IsTrue(zeros(10).normal_(0, 2, first).allclose(zeros(10).normal_(0, 2, second)));
        Assert.IsTrue(randperm(20, generator: first).allclose(randperm(20, generator: second)));
        Assert.IsFalse(rand(10, generator: first).allclose(rand(10, generator: first)));
    }

    [TestMethod]
    public void TheStateOfAGeneratorIsRestored()
    {
        using var generator = new Generator(5);
        using var state = generator.get_state();
        using var before = rand(4, generator: generator);
        generator.set_state(state);
        Assert.IsTrue(before.allclose(rand(4, generator: generator)));
    }

    [TestMethod]
    public void TheSharedGeneratorIsSeededAndRestored()
    {
        manual_seed(11);
        using var first = randn(5);
        using var state = get_rng_state();
        using var second = randn(5);
        manual_seed(11);
        Assert.IsTrue(first.allclose(randn(5)));
        random.set_rng_state(state);
        Assert.IsTrue(second.allclose(randn(5)));
    }

    [TestMethod]
    public void DrawsKeepWithinTheirRange()
    {
        using var generator = new Generator(1);
        var whole = TensorAssert.Values(randint(3, 6, [200], generator: generator));
        Assert.IsTrue(whole.All(v => v is >= 3 and < 6));
        Assert.HasCount(3, whole.Distinct().ToArray());
        var real = TensorAssert.Values(zeros(200).uniform_(-1, 1, generator));
        Assert.IsTrue(real.All(v => v is >= -1 and < 1));
    }

    [TestMethod]
    public void MultinomialDrawsOnlyWhatHasWeight()
    {
        using var generator = new Generator(1);
        using var weights = tensor(new float[] { 0, 1, 0, 3 });
        var drawn = TensorAssert.Values(weights.multinomial(100, replacement: true, generator: generator));
        CollectionAssert.AreEquivalent(new double[] { 1, 3 }, drawn.Distinct().ToArray());
    }
}
