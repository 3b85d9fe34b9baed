using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Packages.Torch;

[TestClass]
public class ShapeAndIndexTests
{
    private readonly Tensor _x = arange(12, dtype: ScalarType.Float32).reshape(3, 4);

    [TestMethod]
    public void ViewsShareMemory()
    {
        using var x = _x.clone();
        x.view(12)[5] = 50;
        Assert.AreEqual(50f, x[1, 1].item<float>());
        x.transpose(0, 1).select(0, 3).fill_(7);
        TensorAssert.AreClose([7, 7, 7], x[.., 3]);
    }

    [TestMethod]
    public void ShapesAreWhatTheNamesSay()
    {
        TensorAssert.HasShape([4, 3], _x.t());
        TensorAssert.HasShape([2, 2, 3], _x.reshape(3, 2, 2).permute(1, 2, 0));
        TensorAssert.HasShape([12], _x.flatten());
        TensorAssert.HasShape([3, 2, 2], _x.unflatten(1, 2, 2));
        TensorAssert.HasShape([3, 1, 4], _x.unsqueeze(1));
        TensorAssert.HasShape([3, 4], _x.unsqueeze(1).squeeze(1));
        TensorAssert.HasShape([2, 3, 4], _x.expand(2, 3, 4));
        TensorAssert.HasShape([6, 4], _x.repeat(2, 1));
        TensorAssert.HasShape([3, 8], _x.repeat_interleave(2, 1));
        Assert.AreEqual(4, _x.size(-1));
        Assert.IsFalse(_x.t().is_contiguous());
        Assert.IsTrue(_x.t().contiguous().is_contiguous());
    }

    [TestMethod]
    public void PartsJoinAgain()
    {
        using var joined = cat(_x.split(1, 1), 1);
        Assert.IsTrue(joined.allclose(_x));
        using var stacked = stack(_x.unbind(0), 0);
        Assert.IsTrue(stacked.allclose(_x));
        Assert.HasCount(2, _x.chunk(2, 1));
        TensorAssert.HasShape([3, 3], _x.split([1, 3], 1)[1]);
        TensorAssert.AreClose([4, 5, 6, 7], _x.narrow(0, 1, 1));
    }

    [TestMethod]
    public void SquareBracketsTakeNumbersRangesAndMarks()
    {
        TensorAssert.AreClose([6], _x[1, 2]);
        TensorAssert.AreClose([5, 6], _x[1, 1..3]);
        TensorAssert.AreClose([3, 7, 11], _x[.., ^1]);
        TensorAssert.AreClose([0, 2, 4, 6, 8, 10], _x[TensorIndex.Colon, TensorIndex.Slice(step: 2)]);
        TensorAssert.AreClose([3, 7, 11], _x[TensorIndex.Ellipsis, -1]);
        TensorAssert.HasShape([1, 3, 4], _x[TensorIndex.None]);
        TensorAssert.AreClose([8, 9, 10, 11, 0, 1, 2, 3], _x[tensor(new long[] { 2, 0 })]);
        TensorAssert.AreClose([9, 10, 11], _x[_x > 8]);
    }

    [TestMethod]
    public void SquareBracketsWrite()
    {
        using var x = _x.clone();
        x[0] = zeros(4);
        x[1, 1..3] = tensor(-1f);
        x[_x > 8] = tensor(100f);
        TensorAssert.AreClose([0, 0, 0, 0, 4, -1, -1, 7, 8, 100, 100, 100], x);
    }

    [TestMethod]
    public void ScatteringAddsWhereIndexesRepeat()
    {
        using var counts = zeros(3);
        counts.scatter_add_(0, tensor(new long[] { 0, 2, 2 }), tensor(new float[] { 1, 2, 3 }));
        TensorAssert.AreClose([1, 0, 5], counts);
        using var rows = zeros(2, 2);
        rows.index_add_(0, tensor(new long[] { 1, 1 }), ones(2, 2), 2);
        TensorAssert.AreClose([0, 0, 4, 4], rows);
        TensorAssert.AreClose([2, 4, 9], _x.gather(1, tensor(new long[] { 2, 0, 1 }).unsqueeze(1)));
        TensorAssert.AreClose([1, 3, 5, 7, 9, 11], _x.index_select(1, tensor(new long[] { 1, 3 })));
    }

    [TestMethod]
    public void IndexPutAccumulatesWhenAsked()
    {
        using var x = zeros(3);
        x.index_put_(ones(2), [tensor(new long[] { 1, 1 })], true);
        TensorAssert.AreClose([0, 2, 0], x);
    }

    [TestMethod]
    public void TrianglesRollsAndFlips()
    {
        TensorAssert.AreClose([1, 0, 1, 1], ones(2, 2).tril());
        TensorAssert.AreClose([0, 1, 0, 0], ones(2, 2).triu(1));
        using var row = tensor(new float[] { 1, 2, 3 });
        TensorAssert.AreClose([3, 1, 2], row.roll(1, 0));
        TensorAssert.AreClose([3, 2, 1], row.flip(0));
    }
}
