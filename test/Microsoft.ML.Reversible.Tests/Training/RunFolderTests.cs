using Microsoft.ML.Reversible.Tests.Storage;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Tests.Training;

[TestClass]
public sealed class RunFolderTests
{
    [TestMethod]
    public void CheckpointsAreListedLatestFirst()
    {
        using var scratch = new ScratchFolder();
        using RunFolder run = RunFolder.Open(scratch.File("run"));
        foreach (int step in new[] { 5, 100, 20 }) Directory.CreateDirectory(run.PathOf(step));
        Directory.CreateDirectory(Path.Combine(scratch.File("run"), "step-notes"));
        CollectionAssert.AreEqual(new[] { 100, 20, 5 }, run.Checkpoints.Select(c => c.Step).ToArray());
    }

    [TestMethod]
    public void PruningKeepsTheLatestFewAndTheBest()
    {
        using var scratch = new ScratchFolder();
        using RunFolder run = RunFolder.Open(scratch.File("run"));
        for (int step = 1; step <= 6; step++)
        {
            Directory.CreateDirectory(run.PathOf(step));
            File.WriteAllText(Path.Combine(run.PathOf(step), "file"), "content");
        }
        run.Prune(kept: 2, step: 6, best: 3);
        CollectionAssert.AreEqual(new[] { 6, 5, 3 }, run.Checkpoints.Select(c => c.Step).ToArray());
    }

    [TestMethod]
    public void ASecondRunInTheFolderIsRefusedUntilTheFirstIsDone()
    {
        using var scratch = new ScratchFolder();
        using (RunFolder.Open(scratch.FullName))
        {
            var e = Assert.ThrowsExactly<IOException>(() => RunFolder.Open(scratch.FullName));
            StringAssert.Contains(e.Message, "another run");
        }
        RunFolder.Open(scratch.FullName).Dispose();
    }

    [TestMethod]
    public void WhatAKilledProcessLeftIsClearedAndOtherFilesStay()
    {
        using var scratch = new ScratchFolder();
        string id = Guid.NewGuid().ToString("N");
        string[] names =
            [$"step-00000003.partial-{id}", $"step-00000004.old-{id}", $"step-00000001.gone-{id}", "step-00000004", "mine"];
        foreach (string name in names)
            Directory.CreateDirectory(scratch.File(name));
        RunFolder.Open(scratch.FullName).Dispose();
        CollectionAssert.AreEqual(new[] { "mine", "run.lock", "step-00000004" }, scratch.Entries);
    }

    [TestMethod]
    public void ACheckpointWhoseNewFormDidNotArriveIsTakenBack()
    {
        using var scratch = new ScratchFolder();
        string id = Guid.NewGuid().ToString("N");
        Directory.CreateDirectory(scratch.File($"step-00000003.old-{id}"));
        Directory.CreateDirectory(scratch.File($"step-00000003.partial-{id}"));
        using RunFolder run = RunFolder.Open(scratch.FullName);
        CollectionAssert.AreEqual(new[] { 3 }, run.Checkpoints.Select(c => c.Step).ToArray());
        CollectionAssert.AreEqual(new[] { "run.lock", "step-00000003" }, scratch.Entries);
    }

    [TestMethod]
    public void FoldersOfLikeNamesAreSomebodyElses()
    {
        using var scratch = new ScratchFolder();
        string[] names = ["step-00000001.old-mine", "step-2", "step-3.partial-0123456789abcdef0123456789abcdef", "step-000000004"];
        foreach (string name in names) Directory.CreateDirectory(scratch.File(name));
        using RunFolder run = RunFolder.Open(scratch.FullName);
        Assert.IsEmpty(run.Checkpoints);
        run.Prune(kept: 1, step: 9, best: null);
        CollectionAssert.IsSubsetOf(names, scratch.Entries);
    }

    [TestMethod]
    public void ADamagedCheckpointOfALaterStepIsNotCountedAmongTheLatest()
    {
        using var scratch = new ScratchFolder();
        using RunFolder run = RunFolder.Open(scratch.FullName);
        foreach (int step in new[] { 6, 12, 20 }) Directory.CreateDirectory(run.PathOf(step));
        run.Prune(kept: 1, step: 12, best: null);
        CollectionAssert.AreEqual(new[] { 20, 12 }, run.Checkpoints.Select(c => c.Step).ToArray());
    }

    [TestMethod]
    public void AFileInTheWayIsNamed()
    {
        using var scratch = new ScratchFolder();
        File.WriteAllText(scratch.File("run"), "");
        var e = Assert.ThrowsExactly<IOException>(() => RunFolder.Open(scratch.File("run")));
        StringAssert.Contains(e.Message, scratch.File("run"));
    }
}
