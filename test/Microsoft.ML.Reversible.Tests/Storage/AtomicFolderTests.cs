using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Tests.Storage;

[TestClass]
public sealed class AtomicFolderTests
{
    [TestMethod]
    public void WritesANewFolder()
    {
        using var scratch = new ScratchFolder();
        string path = Path.Combine(scratch.FullName, "deep", "model") + Path.DirectorySeparatorChar;

        AtomicFolder.Write(path, Put("new"));

        Assert.AreEqual("new", File.ReadAllText(Path.Combine(path, "config.json")));
        Assert.AreEqual(1, Directory.GetFileSystemEntries(scratch.File("deep")).Length);
    }

    [TestMethod]
    public void ReplacesAnOldFolderAndAllItHeld()
    {
        using var scratch = new ScratchFolder();
        string path = scratch.File("model");
        AtomicFolder.Write(path, Put("old"));
        File.WriteAllText(Path.Combine(path, "stale.json"), "");

        AtomicFolder.Write(path, Put("new"), replaces: "config.json");

        Assert.AreEqual("new", File.ReadAllText(Path.Combine(path, "config.json")));
        Assert.AreEqual(1, Directory.GetFiles(path).Length);
        CollectionAssert.AreEqual(new[] { "model" }, scratch.Entries);
    }

    [TestMethod]
    public void RefusesToReplaceAFolderOfOtherFiles()
    {
        using var scratch = new ScratchFolder();
        string path = scratch.File("photos");
        Directory.CreateDirectory(path);
        File.WriteAllText(Path.Combine(path, "cat.jpg"), "");

        var error = Assert.ThrowsExactly<IOException>(() => AtomicFolder.Write(path, Put("new"), replaces: "config.json"));

        StringAssert.Contains(error.Message, path);
        Assert.IsTrue(File.Exists(Path.Combine(path, "cat.jpg")));
        CollectionAssert.AreEqual(new[] { "photos" }, scratch.Entries);
    }

    [TestMethod]
    public void OneOfTheMarkingFilesIsEnough()
    {
        using var scratch = new ScratchFolder();
        string path = scratch.File("model");
        AtomicFolder.Write(path, Put("old"));

        AtomicFolder.Write(path, Put("new"), "model.safetensors", "config.json");

        Assert.AreEqual("new", File.ReadAllText(Path.Combine(path, "config.json")));
    }

    [TestMethod]
    public void ReplacesAnEmptyFolder()
    {
        using var scratch = new ScratchFolder();
        string path = scratch.File("model");
        Directory.CreateDirectory(path);

        AtomicFolder.Write(path, Put("new"), replaces: "config.json");

        Assert.AreEqual("new", File.ReadAllText(Path.Combine(path, "config.json")));
    }

    [TestMethod]
    public void RefusesToReplaceAFile()
    {
        using var scratch = new ScratchFolder();
        string path = scratch.File("model");
        File.WriteAllText(path, "a file");

        var error = Assert.ThrowsExactly<IOException>(() => AtomicFolder.Write(path, Put("new")));

        StringAssert.Contains(error.Message, path);
        Assert.AreEqual("a file", File.ReadAllText(path));
        CollectionAssert.AreEqual(new[] { "model" }, scratch.Entries);
    }

    [TestMethod]
    public void KeepsTheOldFolderAndTheErrorWhenFillingThrows()
    {
        using var scratch = new ScratchFolder();
        string path = scratch.File("model");
        AtomicFolder.Write(path, Put("old"));

        Assert.ThrowsExactly<InvalidOperationException>(() => AtomicFolder.Write(path, folder =>
        {
            Put("half")(folder);
            throw new InvalidOperationException();
        }));

        Assert.AreEqual("old", File.ReadAllText(Path.Combine(path, "config.json")));
        CollectionAssert.AreEqual(new[] { "model" }, scratch.Entries);
    }

    [TestMethod]
    public void PutsTheOldFolderBackWhenTheNewOneCannotTakeItsPlace()
    {
        using var scratch = new ScratchFolder();
        string path = scratch.File("model");
        string partial = scratch.File("model.partial");
        AtomicFolder.Write(path, Put("old"));
        AtomicFolder.Write(partial, Put("new"));

        Assert.ThrowsExactly<IOException>(() => AtomicFolder.Install(partial, path, (from, to) =>
        {
            if (from == partial)
                throw new IOException("in use");
            Directory.Move(from, to);
        }));

        Assert.AreEqual("old", File.ReadAllText(Path.Combine(path, "config.json")));
        CollectionAssert.AreEqual(new[] { "model", "model.partial" }, scratch.Entries);
    }

    [TestMethod]
    public void KeepsTheOldFolderWhenTheDiskIsFull()
    {
        using var disk = new SmallDisk();
        string path = Path.Combine(disk.FullName, "model");
        AtomicFolder.Write(path, Put("old"));

        var error = Assert.ThrowsExactly<IOException>(() => AtomicFolder.Write(path, folder =>
        {
            using FileStream stream = File.Create(Path.Combine(folder, "model.safetensors"));
            SmallDisk.Fill(stream);
        }));

        StringAssert.Contains(error.Message, path);
        Assert.AreEqual("old", File.ReadAllText(Path.Combine(path, "config.json")));
        CollectionAssert.AreEqual(new[] { "model" }, disk.Entries);
    }

    [TestMethod]
    public void OfSeveralWritersAtOnceOneWinsAndNothingIsLeftBeside()
    {
        using var scratch = new ScratchFolder();
        string path = scratch.File("model");

        Parallel.For(0, 400, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i => AtomicFolder.Write(path, Put($"{i}"), "config.json"));

        Assert.IsInRange(0, 399, int.Parse(File.ReadAllText(Path.Combine(path, "config.json"))));
        CollectionAssert.AreEqual(new[] { "model" }, scratch.Entries);
    }

    [TestMethod]
    public void AFolderThatMustNotBeWrittenIsNamed()
    {
        using var scratch = new ScratchFolder();
        string path = scratch.File("model");
        AtomicFolder.Write(path, Put("old"));

        var error = Assert.ThrowsExactly<UnauthorizedAccessException>(
            () => AtomicFolder.Write(path, _ => throw new UnauthorizedAccessException("denied"), "config.json"));

        StringAssert.Contains(error.Message, $"'{path}': denied");
        CollectionAssert.AreEqual(new[] { "model" }, scratch.Entries);
    }

    private static Action<string> Put(string text) => folder => File.WriteAllText(Path.Combine(folder, "config.json"), text);
}
