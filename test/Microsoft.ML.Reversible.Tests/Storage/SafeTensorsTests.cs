using System.Buffers.Binary;
using System.Text;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Tests.Storage;

[TestClass]
public sealed class SafeTensorsTests
{
    [TestMethod]
    public void WritesTheBytesOfTheFormat()
    {
        using var stream = new MemoryStream();
        SafeTensorsWriter.Write(stream, [new("a", "U8", [3], new byte[] { 1, 2, 3 })],
            new Dictionary<string, string> { ["format"] = "pt" });

        byte[] file = stream.ToArray();
        int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        string header = Encoding.UTF8.GetString(file, 8, length);
        Assert.AreEqual("""{"__metadata__":{"format":"pt"},"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}""", header.TrimEnd(' '));
        Assert.AreEqual(0, length % 8);
        CollectionAssert.AreEqual(new byte[] { 1, 2, 3 }, file[(8 + length)..]);
    }

    [TestMethod]
    public void ReadsBackWhatWasWritten()
    {
        using var folder = new ScratchFolder();
        string path = folder.File("x.safetensors");
        SafeTensorsWriter.Write(path,
        [
            new("z.weight", "F32", [2, 2], Enumerable.Range(0, 16).Select(i => (byte)i).ToArray()),
            new("scalar", "I64", [], new byte[8]),
            new("empty", "BF16", [0, 5], ReadOnlyMemory<byte>.Empty),
            new("häß \" name", "BOOL", [1], new byte[] { 1 }),
        ]);

        using SafeTensorsFile file = SafeTensorsFile.Open(path);

        CollectionAssert.AreEqual(new[] { "z.weight", "scalar", "empty", "häß \" name" }, file.Names.ToArray());
        CollectionAssert.AreEqual(new long[] { 2, 2 }, file.Info("z.weight").Shape.ToArray());
        var bytes = new byte[16];
        file.Read("z.weight", bytes);
        CollectionAssert.AreEqual(Enumerable.Range(0, 16).Select(i => (byte)i).ToArray(), bytes);
        using var copy = new MemoryStream();
        file.CopyTo("häß \" name", copy);
        CollectionAssert.AreEqual(new byte[] { 1 }, copy.ToArray());
        Assert.AreEqual(0, file.Info("empty").Length);
        Assert.AreEqual(0, file.Metadata.Count);
    }

    [TestMethod]
    public void AFileWithoutTensorsIsValid()
    {
        using var folder = new ScratchFolder();
        string path = folder.File("none.safetensors");
        SafeTensorsWriter.Write(path, []);
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        Assert.AreEqual(0, file.Names.Count);
    }

    [TestMethod]
    public void AMissingTensorIsNamedWithItsFile()
    {
        using var folder = new ScratchFolder();
        string path = folder.File("x.safetensors");
        SafeTensorsWriter.Write(path, []);
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        var error = Assert.ThrowsExactly<InvalidDataException>(() => file.Info("lm_head.weight"));
        StringAssert.Contains(error.Message, path);
        StringAssert.Contains(error.Message, "lm_head.weight");
    }

    [TestMethod]
    public void RefusesADestinationOfAnotherSize()
    {
        using var folder = new ScratchFolder();
        string path = folder.File("x.safetensors");
        SafeTensorsWriter.Write(path, [new("a", "U8", [3], new byte[3])]);
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        Assert.ThrowsExactly<ArgumentException>(() => file.Read("a", new byte[4]));
    }

    [TestMethod]
    public void RefusesToWriteATensorWithAnotherNumberOfBytesThanItsShapeHas()
    {
        using var folder = new ScratchFolder();
        Assert.ThrowsExactly<InvalidOperationException>(
            () => SafeTensorsWriter.Write(folder.File("x"), [new("a", "F32", [3], new byte[11])]));
        Assert.AreEqual(0, folder.Entries.Length);
    }

    [TestMethod]
    [DataRow("a", "F32", 1L, "a", "F32", 1L, DisplayName = "the same name twice")]
    [DataRow("__metadata__", "F32", 1L, "a", "F32", 1L, DisplayName = "the reserved name")]
    [DataRow("a", "F31", 1L, "b", "F32", 1L, DisplayName = "an unknown type")]
    [DataRow("a", "F32", -1L, "b", "F32", 1L, DisplayName = "a negative size")]
    [DataRow("a", "F32", long.MaxValue, "b", "F32", 1L, DisplayName = "a size beyond 64 bits")]
    public void RefusesToWriteAnImpossibleHeader(string name1, string dtype1, long size1, string name2, string dtype2, long size2)
    {
        SafeTensorSource[] tensors = [new(name1, dtype1, [size1], new byte[4]), new(name2, dtype2, [size2], new byte[4])];
        Assert.ThrowsExactly<ArgumentException>(() => SafeTensorsWriter.Write(new MemoryStream(), tensors));
    }
}
