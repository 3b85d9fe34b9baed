using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Tests.Storage;

[TestClass]
public sealed class AtomicFileTests
{
    [TestMethod]
    public void WritesANewFileAndTheFoldersAboveIt()
    {
        using var folder = new ScratchFolder();
        string path = Path.Combine(folder.FullName, "a", "b", "new.bin");

        AtomicFile.Write(path, stream => stream.Write([1, 2, 3]));

        CollectionAssert.AreEqual(new byte[] { 1, 2, 3 }, File.ReadAllBytes(path));
        Assert.AreEqual(1, Directory.GetFileSystemEntries(Path.GetDirectoryName(path)!).Length);
    }

    [TestMethod]
    public void ReplacesALongerFileCompletely()
    {
        using var folder = new ScratchFolder();
        string path = folder.File("model.bin");
        File.WriteAllBytes(path, new byte[1000]);

        AtomicFile.Write(path, stream => stream.Write([7]));

        CollectionAssert.AreEqual(new byte[] { 7 }, File.ReadAllBytes(path));
        CollectionAssert.AreEqual(new[] { "model.bin" }, folder.Entries);
    }

    [TestMethod]
    public void KeepsTheOldFileAndTheErrorWhenWritingThrows()
    {
        using var folder = new ScratchFolder();
        string path = folder.File("model.bin");
        File.WriteAllText(path, "old");

        var error = Assert.ThrowsExactly<InvalidOperationException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write([1]);
            throw new InvalidOperationException("mine");
        }));

        Assert.AreEqual("mine", error.Message);
        Assert.AreEqual("old", File.ReadAllText(path));
        CollectionAssert.AreEqual(new[] { "model.bin" }, folder.Entries);
    }

    [TestMethod]
    public void AFolderInTheWayStaysAndNothingIsLeftBesideIt()
    {
        using var folder = new ScratchFolder();
        string path = folder.File("taken");
        Directory.CreateDirectory(path);

        Exception error = Assert.Throws<Exception>(() => AtomicFile.Write(path, stream => stream.Write([1])));

        Assert.IsTrue(error is IOException or UnauthorizedAccessException, error.ToString());
        CollectionAssert.AreEqual(new[] { "taken" }, folder.Entries);
    }

    [TestMethod]
    public void WritesWhatASymbolicLinkPointsToAndKeepsTheLink()
    {
        using var folder = new ScratchFolder();
        string real = folder.File("real.bin");
        string link = folder.File("link.bin");
        File.WriteAllText(real, "old");
        try
        {
            File.CreateSymbolicLink(link, real);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Assert.Inconclusive("No symbolic links can be made here.");
        }

        AtomicFile.Write(link, stream => stream.Write("new"u8));

        Assert.AreEqual("new", File.ReadAllText(real));
        Assert.IsNotNull(new FileInfo(link).LinkTarget);
    }

    [TestMethod]
    public void KeepsTheOldFileWhenTheDiskIsFull()
    {
        using var disk = new SmallDisk();
        string path = Path.Combine(disk.FullName, "model.bin");
        File.WriteAllText(path, "old");

        var error = Assert.ThrowsExactly<IOException>(() => AtomicFile.Write(path, SmallDisk.Fill));

        StringAssert.Contains(error.Message, path);
        Assert.AreEqual("old", File.ReadAllText(path));
        CollectionAssert.AreEqual(new[] { "model.bin" }, disk.Entries);
    }

    [TestMethod]
    public void ClearsWhatAKilledProcessLeftAndNothingElse()
    {
        using var folder = new ScratchFolder();
        string id = Guid.NewGuid().ToString("N");
        string stale = $"a.bin.partial-{id}", held = $"a.bin.partial-{Guid.NewGuid():N}", recent = $"a.bin.partial-{Guid.NewGuid():N}";
        string[] kept = [held, recent, $"b.bin.partial-{id}", "a.bin.partial-mine"];
        foreach (string name in kept.Append(stale))
        {
            File.WriteAllText(folder.File(name), "");
            if (name != recent) File.SetLastWriteTimeUtc(folder.File(name), DateTime.UtcNow.AddDays(-1));
        }
        using (new FileStream(folder.File(held), FileMode.Open, FileAccess.ReadWrite, FileShare.None))
            AtomicFile.Write(folder.File("a.bin"), stream => stream.Write("new"u8));

        CollectionAssert.AreEquivalent(kept.Append("a.bin").ToArray(), folder.Entries);
    }

    [TestMethod]
    public void AFolderInTheWayIsNamedBeforeAnythingIsWritten()
    {
        using var folder = new ScratchFolder();
        Directory.CreateDirectory(folder.File("taken"));
        var e = Assert.ThrowsExactly<IOException>(() => AtomicFile.Write(folder.File("taken"), _ => Assert.Fail("it was written")));
        StringAssert.Contains(e.Message, folder.File("taken"));
    }

    [TestMethod]
    public void NamesTheTargetWhenTheDeviceIsFull()
    {
        if (!File.Exists("/dev/full"))
            Assert.Inconclusive("There is no /dev/full here.");
        using var folder = new ScratchFolder();
        string path = folder.File("model.bin");

        var error = Assert.ThrowsExactly<IOException>(() => AtomicFile.Write(path, _ =>
        {
            using var full = new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            full.Write(new byte[10]);
        }));

        StringAssert.Contains(error.Message, path);
        Assert.AreEqual(0, folder.Entries.Length);
    }
}
