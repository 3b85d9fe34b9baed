using Microsoft.ML.Reversible.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Models;

[TestClass]
public sealed class FlatLayoutTests
{
    /// <summary>The moments in a checkpoint have this order; another order would assign them to other parameters.</summary>
    [TestMethod]
    public void MatricesComeFirstAndEachParameterStartsAtAMultipleOf64()
    {
        using var scope = NewDisposeScope();
        Parameter[] made = [new(ones(20)), new(ones(37, 20)), new(ones(5)), new(ones(3, 20, 2))];
        var layout = new FlatLayout(made);
        Assert.IsTrue(new[] { made[1], made[3], made[0], made[2] }.Zip(layout.Parameters, ReferenceEquals).All(same => same));
        using Tensor stretch = zeros(layout.Length);
        long[] starts = [.. layout.Views(stretch).Select(view => view.storage_offset())];
        CollectionAssert.AreEqual(new long[] { 0, 768, 896, 960 }, starts);
        Assert.AreEqual(896, layout.MatrixElements);
        Assert.AreEqual(1024, layout.Used);
        Assert.AreEqual(1024, layout.Length);
        Assert.AreEqual(2048, new FlatLayout([.. made, new Parameter(ones(1))]).Length);
        Assert.AreEqual(1024, new FlatLayout(Array.Empty<Parameter>()).Length);
    }

    [TestMethod]
    public void APartIsFoundWhereItsParametersAreNeighbours()
    {
        using var scope = NewDisposeScope();
        Parameter[] made = [new(ones(70, 1)), new(ones(2, 2)), new(ones(3)), new(ones(4))];
        var layout = new FlatLayout(made);
        Assert.AreEqual(0, layout.StartOf(layout));
        Assert.AreEqual(128, layout.StartOf(new FlatLayout(made[1..])));
        Assert.AreEqual(192, layout.StartOf(new FlatLayout(made[2..3])));
        Assert.IsNull(layout.StartOf(new FlatLayout([made[0], made[2]])), "not neighbours");
        Assert.IsNull(layout.StartOf(new FlatLayout([made[3], new Parameter(ones(4))])), "one of another's");
        Assert.IsNull(layout.StartOf(new FlatLayout([made[2], made[3], new Parameter(ones(4))])), "more than there are");
        Assert.IsNull(layout.StartOf(new FlatLayout(Array.Empty<Parameter>())));
        Assert.IsNull(layout.StartOf(new FlatLayout([(made[2], [1L, 3L])])), "of another shape");
    }
}
