using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Packages.Torch;

[TestClass]
public class DataTests
{
    [TestMethod]
    public void ElementsAreReadAndWrittenInPlace()
    {
        using var x = tensor(new float[] { 1, 2, 3, 4 }).reshape(2, 2);
        using var data = x.data<float>();
        Assert.AreEqual(4L, data.Count);
        Assert.AreEqual(3f, data[1, 0]);
        data[1, 0] = 30;
        Assert.AreEqual(30f, x[1, 0].item<float>());
        CollectionAssert.AreEqual(new float[] { 1, 2, 30, 4 }, data.ToArray());
    }

    [TestMethod]
    public void ElementsOfATransposedTensorComeInItsOwnOrder()
    {
        using var x = tensor(new[] { 1, 2, 3, 4 }).reshape(2, 2).t();
        CollectionAssert.AreEqual(new[] { 1, 3, 2, 4 }, x.data<int>().ToArray());
        CollectionAssert.AreEqual(new[] { 1, 3, 2, 4 }, x.data<int>().Select(v => v).ToArray());
    }

    [TestMethod]
    public void AnotherElementTypeIsRefused()
    {
        using var x = ones(1);
        Assert.Throws<Exception>(() => x.data<double>());
        Assert.Throws<Exception>(() => x.item<double>());
        Assert.AreEqual(1.0, x.ToDouble());
        Assert.AreEqual(1L, x.ToInt64());
    }

    [TestMethod]
    public void SingleNumbersOfAllTypesComeBack()
    {
        Assert.AreEqual(2.5f, tensor(2.5f).item<float>());
        Assert.AreEqual(2.5, tensor(2.5).item<double>());
        Assert.AreEqual(7, tensor(7).item<int>());
        Assert.AreEqual(long.MaxValue - 1, tensor(long.MaxValue - 1).item<long>());
        Assert.AreEqual((Half)0.5f, tensor(0.5f).half().item<Half>());
        Assert.IsTrue(tensor(true).item<bool>());
        Assert.AreEqual(2.5f, tensor(2.5f).bfloat16().ToSingle());
    }

    [TestMethod]
    public void BytesAreTheMemory()
    {
        using var x = tensor(new[] { 1f, 2f });
        Assert.AreEqual(2f, MemoryMarshal.Cast<byte, float>(x.bytes)[1]);
        MemoryMarshal.Cast<byte, float>(x.bytes)[0] = 5;
        TensorAssert.AreClose([5, 2], x);
    }

    [TestMethod]
    [DataRow(3)]
    [DataRow(4096)]
    public void StreamsCarryTheBytes(int buffer)
    {
        using var x = arange(100, dtype: ScalarType.Float32).bfloat16();
        using var stream = new MemoryStream();
        x.WriteBytesToStream(stream, buffer);
        Assert.AreEqual(200, stream.Length);
        stream.Position = 0;
        using var y = zeros_like(x);
        y.ReadBytesFromStream(stream, buffer);
        Assert.IsTrue(x.allclose(y));
    }

    [TestMethod]
    public void TensorsCopyTheirArrays()
    {
        float[] numbers = [1, 2];
        using var x = tensor(numbers);
        numbers[0] = 9;
        TensorAssert.AreClose([1, 2], x);
        TensorAssert.HasShape([2, 2], tensor(new[,] { { 1, 2 }, { 3, 4 } }));
        TensorAssert.AreClose([1, 2], tensor(new List<long> { 1, 2 }));
        Assert.AreEqual(ScalarType.Float64, tensor(new[] { 1, 2 }, dtype: ScalarType.Float64).dtype);
    }

    [TestMethod]
    public void ABufferIsSharedAndOutlivesItsName()
    {
        var numbers = new float[] { 1, 2, 3 };
        using var x = frombuffer(numbers, ScalarType.Float32, count: 2, offset: 1);
        numbers[1] = 20;
        TensorAssert.AreClose([20, 3], x);
        GC.Collect();
        TensorAssert.AreClose([20, 3], x);
    }

    [TestMethod]
    public void ConversionMakesAHandleOfItsOwn()
    {
        using var x = ones(2);
        var same = x.to(ScalarType.Float32);
        Assert.AreNotSame(x, same);
        same.Dispose();
        Assert.IsFalse(x.IsInvalid);
        Assert.AreEqual(ScalarType.Int64, x.to(ScalarType.Int64).dtype);
        Assert.AreEqual(DeviceType.CPU, x.cpu().device_type);
        Assert.AreEqual(2, x.bfloat16().element_size());
    }

    [TestMethod]
    public void FactoriesFillAsNamed()
    {
        TensorAssert.AreClose([0, 0], zeros(2));
        TensorAssert.AreClose([3, 3], full(2, 3));
        TensorAssert.AreClose([1, 0, 0, 1], eye(2));
        TensorAssert.AreClose([2, 4], arange(2, 6, 2));
        TensorAssert.AreClose([0, 0.5, 1], linspace(0, 1, 3));
        Assert.AreEqual(ScalarType.Int64, arange(3).dtype);
        Assert.AreEqual(ScalarType.BFloat16, zeros_like(ones(2, dtype: ScalarType.BFloat16)).dtype);
        Assert.IsTrue(zeros(2, requires_grad: true).requires_grad);
    }

    [TestMethod]
    public void NativeErrorsBecomeExceptionsWithTheMessage()
    {
        using var x = ones(2, 3);
        var e = Assert.ThrowsExactly<ExternalException>(() => x.mm(x));
        StringAssert.Contains(e.Message, "2x3 and 2x3");
        Assert.ThrowsExactly<ExternalException>(() => x.view(5));
        Assert.ThrowsExactly<ExternalException>(() => x.index_select(0, tensor(new long[] { 7 })));
    }
}
