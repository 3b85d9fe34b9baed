using Microsoft.ML.Reversible.Storage;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Storage;

[TestClass]
public sealed class TensorStorageTests
{
    [TestMethod]
    [DataRow(ScalarType.Float32, "F32")]
    [DataRow(ScalarType.Float64, "F64")]
    [DataRow(ScalarType.Float16, "F16")]
    [DataRow(ScalarType.BFloat16, "BF16")]
    [DataRow(ScalarType.Int64, "I64")]
    [DataRow(ScalarType.Int32, "I32")]
    [DataRow(ScalarType.Int16, "I16")]
    [DataRow(ScalarType.Int8, "I8")]
    [DataRow(ScalarType.Byte, "U8")]
    [DataRow(ScalarType.Bool, "BOOL")]
    public void ATensorComesBackWithItsTypeShapeAndValues(ScalarType type, string dtype)
    {
        using var scope = NewDisposeScope();
        Tensor original = arange(0, 12).to(type).view(3, 4);

        using var saved = new Saved(("x", original));
        Tensor loaded = TensorStorage.Read(saved.File, "x");

        Assert.AreEqual(dtype, saved.File.Info("x").Dtype);
        AssertSame(original, loaded);
    }

    [TestMethod]
    public void ATransposedTensorIsWrittenInTheOrderOfItsShape()
    {
        using var scope = NewDisposeScope();
        Tensor original = arange(0, 6).to(ScalarType.Float32).view(2, 3).t();

        using var saved = new Saved(("x", original));

        CollectionAssert.AreEqual(new long[] { 3, 2 }, saved.File.Info("x").Shape.ToArray());
        AssertSame(original.contiguous(), TensorStorage.Read(saved.File, "x"));
    }

    [TestMethod]
    public void ScalarsEmptyTensorsAndTensorsLargerThanABufferComeBack()
    {
        using var scope = NewDisposeScope();
        Tensor scalar = tensor(2.5f);
        Tensor none = empty(new long[] { 0, 3 });
        Tensor large = arange(0, 600_001).to(ScalarType.Float32);

        using var saved = new Saved(("scalar", scalar), ("none", none), ("large", large));

        AssertSame(scalar, TensorStorage.Read(saved.File, "scalar"));
        AssertSame(large, TensorStorage.Read(saved.File, "large"));
        CollectionAssert.AreEqual(new long[] { 0, 3 }, TensorStorage.Read(saved.File, "none").shape);
    }

    [TestMethod]
    public void AParameterIsFilledInPlaceAndStillWantsItsGradient()
    {
        using var scope = NewDisposeScope();
        Tensor values = arange(0, 4).to(ScalarType.Float32).view(2, 2);
        using var saved = new Saved(("w", values));
        var weight = new Parameter(zeros(new long[] { 2, 2 }));

        TensorStorage.ReadInto(saved.File, "w", weight);

        Assert.IsTrue(weight.requires_grad);
        AssertSame(values, weight.detach());
    }

    [TestMethod]
    public void AValueIsConvertedToTheTypeOfItsDestination()
    {
        using var scope = NewDisposeScope();
        using var saved = new Saved(("w", tensor(new[] { 1f, 2f }).to(ScalarType.BFloat16)));
        Tensor destination = zeros(new long[] { 2 });

        TensorStorage.ReadInto(saved.File, "w", destination);

        AssertSame(tensor(new[] { 1f, 2f }), destination);
    }

    [TestMethod]
    public void AShapeThatWouldBroadcastIsRefusedAndChangesNothing()
    {
        using var scope = NewDisposeScope();
        using var saved = new Saved(("bias", tensor(new[] { 7f })));
        Tensor destination = zeros(new long[] { 3 });

        var error = Assert.ThrowsExactly<InvalidDataException>(() => TensorStorage.ReadInto(saved.File, "bias", destination));

        StringAssert.Contains(error.Message, "'bias'");
        StringAssert.Contains(error.Message, "[1]");
        StringAssert.Contains(error.Message, "[3]");
        AssertSame(zeros(new long[] { 3 }), destination);
    }

    [TestMethod]
    public void AnElementTypeThatTorchSharpLacksIsRefused()
    {
        using var folder = new ScratchFolder();
        SafeTensorsWriter.Write(folder.File("x"), [new("ids", "U64", [1], new byte[8])]);
        using SafeTensorsFile file = SafeTensorsFile.Open(folder.File("x"));

        var error = Assert.ThrowsExactly<InvalidDataException>(() => TensorStorage.Read(file, "ids"));

        StringAssert.Contains(error.Message, "U64");
    }

    [TestMethod]
    public void NoTensorOutlivesWritingAndFilling()
    {
        using var weight = new Parameter(zeros(new long[] { 8, 8 }));
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long before = Tensor.TotalCount;

        using var saved = new Saved(("w", weight));
        TensorStorage.ReadInto(saved.File, "w", weight);

        Assert.IsTrue(Tensor.TotalCount <= before, $"{Tensor.TotalCount} tensors, {before} before");
    }

    [TestMethod]
    public void AFileOfHuggingFaceIsRead()
    {
        using var scope = NewDisposeScope();
        using SafeTensorsFile file = SafeTensorsFile.Open(TestData.Require("stories260k/hf-llama-form/model.safetensors"));

        Tensor embedding = TensorStorage.Read(file, "model.embed_tokens.weight");

        CollectionAssert.AreEqual(new long[] { 512, 64 }, embedding.shape);
        Assert.IsTrue(embedding.abs().max().item<float>() is > 0 and < 100);
    }

    private static void AssertSame(Tensor expected, Tensor actual)
    {
        Assert.AreEqual(expected.dtype, actual.dtype);
        CollectionAssert.AreEqual(expected.shape, actual.shape);
        Assert.IsTrue(expected.eq(actual).all().item<bool>());
    }

    private sealed class Saved : IDisposable
    {
        private readonly ScratchFolder _folder = new();

        public Saved(params (string Name, Tensor Tensor)[] tensors)
        {
            SafeTensorsWriter.Write(_folder.File("x"), [.. tensors.Select(pair => TensorStorage.Source(pair.Name, pair.Tensor))]);
            File = SafeTensorsFile.Open(_folder.File("x"));
        }

        public SafeTensorsFile File { get; }

        public void Dispose()
        {
            File.Dispose();
            _folder.Dispose();
        }
    }
}
