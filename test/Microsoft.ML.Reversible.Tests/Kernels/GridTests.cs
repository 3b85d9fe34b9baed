using Microsoft.ML.Reversible.Kernels;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Kernels;

[TestClass]
public sealed class GridTests
{
    [TestMethod]
    public void TheGridRoundsToItsMultiplesWithTiesToEven()
    {
        using var scope = NewDisposeScope();
        using var grid = new Grid(2, CPU);
        Tensor x = tensor(new[] { 0.26, 0.125, 0.375, -0.125, 5.0, 0.1 });
        CollectionAssert.AreEqual(new[] { 0.25, 0.0, 0.5, 0.0, 5.0, 0.0 }, grid.Round(x).data<double>().ToArray());
        CollectionAssert.AreEqual(new[] { 0.75, 0.5, 1.0, -0.5, 15.0, 0.25 }, grid.Round(x, 3).data<double>().ToArray());
    }
}
