using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Packages.Torch;

[TestClass]
public class ArithmeticTests
{
    private readonly Tensor _a = tensor(new float[] { 1, 2, 4 });
    private readonly Tensor _b = tensor(new float[] { 3, -1, 0.5f });

    [TestMethod]
    public void OperatorsWorkElementByElement()
    {
        TensorAssert.AreClose([4, 1, 4.5], _a + _b);
        TensorAssert.AreClose([-2, 3, 3.5], _a - _b);
        TensorAssert.AreClose([3, -2, 2], _a * _b);
        TensorAssert.AreClose([1 / 3.0, -2, 8], _a / _b);
        TensorAssert.AreClose([-1, -2, -4], -_a);
    }

    [TestMethod]
    public void NumbersStandOnEitherSide()
    {
        TensorAssert.AreClose([3, 4, 6], _a + 2);
        TensorAssert.AreClose([9, 8, 6], 10 - _a);
        TensorAssert.AreClose([0.5, 1, 2], 0.5 * _a);
        TensorAssert.AreClose([4, 2, 1], 4.0f / _a);
        TensorAssert.AreClose([1, 0, 0], _a % 2);
    }

    [TestMethod]
    public void InPlaceMethodsChangeTheTensorAndReturnIt()
    {
        using var x = _a.clone();
        TensorAssert.AreClose([7, 0, 5], x.add_(_b, 2));
        TensorAssert.AreClose([14, 0, 10], x.mul_(2));
        TensorAssert.AreClose([7, 0, 5], x.div_(2));
        TensorAssert.AreClose([4, 1, 4.5], x.sub_(_b));
        x.addcmul_(_a, _b, 2);
        TensorAssert.AreClose([10, -3, 8.5], x);
        x.zero_();
        TensorAssert.AreClose([0, 0, 0], x);
    }

    [TestMethod]
    public void DivisionRoundsAsAsked()
    {
        using var x = tensor(new float[] { -7, 7 });
        TensorAssert.AreClose([-4, 3], x.div(2, RoundingMode.floor));
        TensorAssert.AreClose([-3, 3], x.div(2, RoundingMode.trunc));
    }

    [TestMethod]
    public void FunctionsGiveKnownValues()
    {
        TensorAssert.AreClose([Math.E, Math.E * Math.E, Math.Exp(4)], _a.exp(), 1e-4);
        TensorAssert.AreClose([0, Math.Log(2), Math.Log(4)], _a.log());
        TensorAssert.AreClose([1, Math.Sqrt(2), 2], _a.sqrt());
        TensorAssert.AreClose([1, 1 / Math.Sqrt(2), 0.5], _a.rsqrt());
        TensorAssert.AreClose([3, 0, 0.5], _b.relu());
        TensorAssert.AreClose([3, 1, 0.5], _b.abs());
        TensorAssert.AreClose([1, 2, 3], _a.clamp(1, 3));
        TensorAssert.AreClose([2.99595, -0.158655, 0.345731], _b.gelu());
        TensorAssert.AreClose([3 / (1 + Math.Exp(-3)), -1 / (1 + Math.E), 0.5 / (1 + Math.Exp(-0.5))], _b.silu());
    }

    [TestMethod]
    public void BitsShiftAndMix()
    {
        using var x = tensor(new long[] { 5, 12 });
        using var y = tensor(new long[] { 3, 2 });
        TensorAssert.AreClose([1, 0], x & y);
        TensorAssert.AreClose([7, 14], x | y);
        TensorAssert.AreClose([6, 14], x ^ y);
        TensorAssert.AreClose([40, 48], x.bitwise_left_shift(y));
        TensorAssert.AreClose([0, 3], x.bitwise_right_shift(y));
    }

    [TestMethod]
    public void IntegerAdditionWrapsAround()
    {
        using var x = tensor(new[] { int.MaxValue });
        using var y = x + 1;
        Assert.AreEqual(int.MinValue, y.item<int>());
    }

    [TestMethod]
    public void ComparisonsGiveTruthValuesOfElements()
    {
        TensorAssert.AreClose([0, 1, 1], _a > _b);
        TensorAssert.AreClose([1, 1, 0], _a <= 2);
        TensorAssert.AreClose([0, 1, 0], _a == 2);
        TensorAssert.AreClose([0, 1, 0], _a.equal(tensor(new float[] { 0, 2, 0 })));
        TensorAssert.AreClose([1, -1, 0.5], where(_a < _b, _a, _b));
        TensorAssert.AreClose([1, 9, 9], _a.masked_fill(_a > 1, 9));
        Assert.IsTrue(_a.allclose(_a + 1e-9));
        Assert.IsFalse(_a.allclose(_b));
    }

    [TestMethod]
    public void TypesPromote()
    {
        using var whole = tensor(new[] { 1, 2, 4 });
        Assert.AreEqual(ScalarType.Float32, (whole + _a).dtype);
        Assert.AreEqual(ScalarType.Float32, (whole * 0.5).dtype);
        Assert.AreEqual(ScalarType.Int32, (whole * 2).dtype);
        Assert.AreEqual(ScalarType.BFloat16, (_a.bfloat16() * 2).dtype);
    }
}
