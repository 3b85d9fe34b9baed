using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Packages.Torch;

[TestClass]
public class ReductionTests
{
    private readonly Tensor _x = tensor(new float[] { 1, 5, 3, 4, 2, 6 }).reshape(2, 3);

    [TestMethod]
    public void SumsRunOverAllOrSomeDimensions()
    {
        Assert.AreEqual(21f, _x.sum().item<float>());
        TensorAssert.AreClose([5, 7, 9], _x.sum(dim: 0));
        TensorAssert.HasShape([2, 1], _x.sum(1L, keepdim: true));
        TensorAssert.AreClose([9, 12], _x.sum([1]));
    }

    [TestMethod]
    public void LiteralZeroIsTakenForAnElementType()
    {
        using var sum = _x.sum(0);
        Assert.AreEqual(ScalarType.Byte, sum.dtype);
        Assert.AreEqual(0, sum.dim());
    }

    [TestMethod]
    public void MomentsAreUnbiasedUnlessAsked()
    {
        TensorAssert.AreClose([3, 4], _x.mean([1]));
        TensorAssert.AreClose([4, 4], _x.var([1]));
        TensorAssert.AreClose([8 / 3.0, 8 / 3.0], _x.var([1], unbiased: false));
        TensorAssert.AreClose([2, 2], _x.std([1]));
    }

    [TestMethod]
    public void ExtremesTellValueAndPlace()
    {
        var (values, indexes) = _x.max(1);
        TensorAssert.AreClose([5, 6], values);
        TensorAssert.AreClose([1, 2], indexes);
        TensorAssert.AreClose([1, 2], _x.argmax(1));
        TensorAssert.AreClose([1, 2], _x.amin([1]));
        Assert.AreEqual(6f, _x.max().item<float>());
    }

    [TestMethod]
    public void NormsAndRunningSums()
    {
        Assert.AreEqual(Math.Sqrt(91), _x.norm().item<float>(), 1e-5);
        TensorAssert.AreClose([Math.Sqrt(35), Math.Sqrt(56)], _x.norm(1));
        TensorAssert.AreClose([1, 6, 9, 4, 6, 12], _x.cumsum(1));
    }

    [TestMethod]
    public void SoftmaxAndLogSumExpStayFiniteForLargeNumbers()
    {
        using var large = tensor(new float[] { 1000, 1000 });
        TensorAssert.AreClose([0.5, 0.5], large.softmax(0L));
        TensorAssert.AreClose([-Math.Log(2), -Math.Log(2)], nn.functional.log_softmax(large, 0));
        Assert.AreEqual(1000 + Math.Log(2), large.logsumexp(0).item<float>(), 1e-3);
    }

    [TestMethod]
    public void OrderingTellsValueAndPlace()
    {
        var (top, places) = _x.topk(2, 1);
        TensorAssert.AreClose([5, 3, 6, 4], top);
        TensorAssert.AreClose([1, 2, 2, 0], places);
        var (sorted, order) = _x.sort(1, descending: true);
        TensorAssert.AreClose([5, 3, 1, 6, 4, 2], sorted);
        TensorAssert.AreClose([1, 2, 0, 2, 0, 1], order);
        TensorAssert.AreClose([0, 2, 1, 1, 0, 2], _x.argsort(1));
    }
}
