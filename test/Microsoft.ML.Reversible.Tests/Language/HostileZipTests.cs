using System.IO.Compression;
using System.Text;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Language;

/// <summary>Tests zips that are damaged or malicious, and full disks.</summary>
[TestClass]
public sealed class HostileZipTests
{
    private static readonly MLContext Ml = new(seed: 1);
    private static ReversibleLmTransformer _model = null!;
    private readonly ScratchFolder _folder = new();

    [ClassInitialize]
    public static void Train(TestContext _) => _model = Corpus.Train(Ml, o => o.MaxSteps = 1);

    [ClassCleanup]
    public static void Free() => _model.Dispose();

    [TestInitialize]
    public void Save() => Ml.Reversible().Save(_model, null, Zip);

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    private string Zip => _folder.File("m.zip");

    [TestMethod]
    [DataRow("reversible/0/../../../escaped.json")]
    [DataRow("reversible/0/..\\escaped.json")]
    [DataRow("reversible/0//tmp/escaped.json")]
    [DataRow("reversible/0/..")]
    [DataRow("reversible/0/.hidden")]
    [DataRow("reversible/0/C:escaped.json")]
    [DataRow("reversible/0/sub/escaped.json")]
    [DataRow("reversible/0/")]
    public void AnEntryThatCouldLeaveTheFolderIsRefused(string name)
    {
        Add(name, "{}");
        StringAssert.Contains(Refused().Message, "name");
    }

    [TestMethod]
    public void ADoubleEntryIsRefused()
    {
        Add("reversible/0/Config.json", "{}");
        StringAssert.Contains(Refused().Message, "twice");
    }

    [TestMethod]
    public void ACompressedEntryIsRefused()
    {
        Add("reversible/0/extra.json", new string(' ', 1 << 20), CompressionLevel.Optimal);
        StringAssert.Contains(Refused().Message, "compressed");
    }

    [TestMethod]
    [DataRow("config.json")]
    [DataRow("model.safetensors")]
    [DataRow("vocab.json")]
    public void AMissingEntryIsNamed(string file)
    {
        Edit(zip => zip.GetEntry("reversible/0/" + file)!.Delete());
        StringAssert.Contains(Refused().Message, file);
    }

    [TestMethod]
    public void AModelWithoutAnyEntryIsNamed()
    {
        Edit(zip =>
        {
            foreach (ZipArchiveEntry entry in zip.Entries.ToArray())
                if (entry.FullName.StartsWith("reversible/", StringComparison.Ordinal)) entry.Delete();
        });
        StringAssert.Contains(Refused().Message, "reversible/0");
    }

    [TestMethod]
    public void DamagedWeightsAreRefusedByTensorAndWithoutTheTemporaryFoldersName()
    {
        Edit(zip =>
        {
            zip.GetEntry("reversible/0/model.safetensors")!.Delete();
            using Stream stream = zip.CreateEntry("reversible/0/model.safetensors", CompressionLevel.NoCompression).Open();
            stream.Write(Encoding.UTF8.GetBytes("no tensors at all"));
        });
        string message = Refused().Message.Replace(Zip, "");
        StringAssert.Contains(message, "model.safetensors");
        Assert.IsFalse(message.Contains(Path.GetTempPath(), StringComparison.Ordinal), message);
    }

    [TestMethod]
    public void AHugeDeclaredSizeIsRefusedBeforeAnythingIsRead()
    {
        byte[] bytes = File.ReadAllBytes(Zip);
        byte[] name = Encoding.UTF8.GetBytes("reversible/0/model.safetensors");
        // In the zip's directory the sizes stand 46 - 20 bytes before the name.
        int directory = bytes.AsSpan().LastIndexOf(name) - 46;
        BitConverter.TryWriteBytes(bytes.AsSpan(directory + 20), 0xFFFF_FFF0u);
        BitConverter.TryWriteBytes(bytes.AsSpan(directory + 24), 0xFFFF_FFF0u);
        File.WriteAllBytes(Zip, bytes);
        StringAssert.Contains(Refused().Message, "claims 4294967280 bytes");
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("this is text")]
    [DataRow("PK")]
    public void AFileThatIsNoZipIsRefused(string content)
    {
        File.WriteAllText(Zip, content);
        StringAssert.Contains(Refused().Message, "not a zip");
    }

    [TestMethod]
    public void AZipThatIsNoPipelineIsRefused()
    {
        File.Delete(Zip);
        Add("hello.txt", "hello");
        StringAssert.Contains(Refused().Message, "no pipeline");
    }

    [TestMethod]
    public void ZipsThatAreCutShortOrChangedAnywhereLoadOrAreInvalid()
    {
        byte[] whole = File.ReadAllBytes(Zip);
        var random = new Random(3);
        for (int i = 0; i < 60; i++)
        {
            byte[] bytes = (byte[])whole.Clone();
            if (i % 3 == 0) bytes = bytes[..random.Next(bytes.Length)];
            // At the end of a zip is its directory, at the beginning ML.NET's part; most of the rest are weights, which may be any bits.
            for (int k = 0; i % 3 != 0 && k < 4; k++)
                bytes[i % 3 == 1 ? bytes.Length - 1 - random.Next(1500) : random.Next(bytes.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(Zip, bytes);
            try
            {
                (Ml.Reversible().Load(Zip, out _) as IDisposable)?.Dispose();
            }
            catch (InvalidDataException e)
            {
                StringAssert.Contains(e.Message, Zip);
            }
        }
        CollectionAssert.AreEqual(new[] { "m.zip" }, _folder.Entries);
    }

    [TestMethod]
    public void AFailureFreesTheModelsThatWereAlreadyOpen()
    {
        using ReversibleLmTransformer second = Corpus.Train(Ml, o => (o.MaxSteps, o.Seed) = (1, 2));
        Ml.Reversible().Save(new TransformerChain<ITransformer>(_model, second), null, Zip);
        Edit(zip => zip.GetEntry("reversible/1/config.json")!.Delete());
        long before = TestModels.LiveTensors();
        Refused();
        Assert.IsLessThanOrEqualTo(before, TestModels.LiveTensors());
    }

    [TestMethod]
    public void AMissingFileIsNamed()
    {
        string path = _folder.File("none.zip");
        StringAssert.Contains(Assert.ThrowsExactly<FileNotFoundException>(() => Ml.Reversible().Load(path, out _)).Message, path);
    }

    [TestMethod]
    public void AFullDiskLeavesTheOldZip()
    {
        using var disk = new SmallDisk();
        string path = Path.Combine(disk.FullName, "m.zip");
        Ml.Reversible().Save(_model, null, path);
        using ReversibleLmTransformer large = Corpus.Train(Ml, o => (o.Width, o.LayerCount, o.MaxSteps, o.BatchSize) = (128, 2, 1, 1));
        StringAssert.Contains(Assert.ThrowsExactly<IOException>(() => Ml.Reversible().Save(large, null, path)).Message, path);
        CollectionAssert.AreEqual(new[] { "m.zip" }, disk.Entries);
        using var old = (ReversibleLmTransformer)Ml.Reversible().Load(path, out _);
        Assert.AreEqual(_model.Configuration, old.Configuration);
    }

    [TestMethod]
    public void ADisposedModelIsRefusedAndTheOldZipStays()
    {
        ReversibleLmTransformer gone = Corpus.Train(Ml, o => o.MaxSteps = 1);
        gone.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => Ml.Reversible().Save(gone, null, Zip));
        (Ml.Reversible().Load(Zip, out _) as IDisposable)!.Dispose();
    }

    [TestMethod]
    public void BadArgumentsAreRefused()
    {
        Assert.ThrowsExactly<ArgumentNullException>(() => Ml.Reversible().Save(null!, null, Zip));
        Assert.ThrowsExactly<ArgumentException>(() => Ml.Reversible().Save(_model, null, ""));
        Assert.ThrowsExactly<ArgumentException>(() => Ml.Reversible().Load("", out _));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Ml.Reversible().Load(Zip, out _, precision: (Precision)9));
        Assert.ThrowsExactly<ArgumentException>(() => Ml.Reversible().Load(Zip, out _, device: "tpu"));
    }

    private void Add(string name, string content, CompressionLevel level = CompressionLevel.NoCompression) => Edit(zip =>
    {
        using var writer = new StreamWriter(zip.CreateEntry(name, level).Open());
        writer.Write(content);
    });

    private void Edit(Action<ZipArchive> change)
    {
        using ZipArchive zip = ZipFile.Open(Zip, ZipArchiveMode.Update);
        change(zip);
    }

    private InvalidDataException Refused()
    {
        var error = Assert.ThrowsExactly<InvalidDataException>(() => Ml.Reversible().Load(Zip, out _));
        StringAssert.Contains(error.Message, Zip);
        return error;
    }
}
