using System.Collections;
using System.Collections.Concurrent;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using Microsoft.ML.Reversible.Build;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Packaging;

/// <summary>Tests the task on small files.</summary>
[TestClass]
public sealed class MarkForOlderLinuxTests
{
    private readonly ScratchFolder _scratch = new();

    [TestCleanup]
    public void Delete() => _scratch.Dispose();

    [TestMethod]
    public void TheCopyHasTheMetadataAndThePlaceOfTheFile()
    {
        MarkForOlderLinux task = Run(
            Item("package/libLibTorchSharp.so", ("DestinationSubDirectory", "runtimes/linux-x64/native/"), ("Own", "1")));
        ITaskItem marked = task.Marked.Single();
        Assert.AreEqual(_scratch.File("obj/runtimes/linux-x64/native/libLibTorchSharp.so"), Path.GetFullPath(marked.ItemSpec));
        Assert.AreEqual("1", marked.GetMetadata("Own"));
        Assert.AreEqual(2, File.ReadAllBytes(marked.ItemSpec)[TinyElf.Flags]);
        Assert.AreEqual(0, File.ReadAllBytes(_scratch.File("package/libLibTorchSharp.so"))[TinyElf.Flags]);
        Assert.AreSame(marked, task.Copies.Single());
    }

    [TestMethod]
    public void FilesOfTwoPlatformsHaveCopiesOfTheirOwn()
    {
        MarkForOlderLinux task = Run(
            Item("a/libLibTorchSharp.so", ("RelativePath", @"runtimes\linux-x64\native\libLibTorchSharp.so")),
            Item("b/libLibTorchSharp.so", ("RelativePath", @"runtimes\linux-arm64\native\libLibTorchSharp.so")));
        Assert.HasCount(2, task.Marked.Select(item => item.GetMetadata("FullPath")).Distinct());
        Assert.IsTrue(task.Marked.All(item => File.Exists(item.ItemSpec)));
    }

    [TestMethod]
    public void ACopyNeverLiesOutsideTheFolder()
    {
        MarkForOlderLinux task = Run(Item("package/libLibTorchSharp.so", ("RelativePath", "../../../libLibTorchSharp.so")));
        Assert.AreEqual(_scratch.File("obj/libLibTorchSharp.so"), Path.GetFullPath(task.Marked.Single().ItemSpec));
    }

    /// <summary>As a publish after a build in one process has it.</summary>
    [TestMethod]
    public void AFileAndItsCopyForOnePlaceBecomeOneItem()
    {
        ITaskItem source = Item("package/libLibTorchSharp.so");
        ITaskItem copy = Run(source).Marked.Single();
        Assert.AreEqual(copy.ItemSpec, Run(source, copy).Marked.Single().ItemSpec);
        Assert.AreEqual(copy.ItemSpec, Run(copy, source).Marked.Single().ItemSpec);
    }

    [TestMethod]
    public void AnUpToDateCopyIsNotWrittenAgain()
    {
        ITaskItem source = Item("package/libLibTorchSharp.so");
        string copy = Run(source).Marked.Single().ItemSpec;
        var time = new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        File.SetLastWriteTimeUtc(copy, time);
        Run(source);
        Assert.AreEqual(time, File.GetLastWriteTimeUtc(copy));
        File.WriteAllText(copy, "another version");
        Run(source);
        Assert.AreEqual(2, File.ReadAllBytes(copy)[TinyElf.Flags]);
    }

    [TestMethod]
    public void AFileThatIsNotElfIsAnErrorThatNamesIt()
    {
        ITaskItem source = Item("package/libLibTorchSharp.so");
        File.WriteAllText(source.ItemSpec, "not a library");
        AssertError(source, "it is not a 64-bit little-endian ELF file");
    }

    [TestMethod]
    public void AFileThatUsesTheVersionIsAnErrorThatNamesTheSymbol()
    {
        var file = new TinyElf();
        file.Bytes[file.Bytes.AsSpan().IndexOf("_ZSt21"u8) + 1] = (byte)'Y';
        ITaskItem source = Item("package/libLibTorchSharp.so");
        File.WriteAllBytes(source.ItemSpec, file.Bytes);
        AssertError(source, "it uses _YSt21ios_base_library_initv of version GLIBCXX_3.4.32");
    }

    [TestMethod]
    public void AMissingFileIsAnErrorThatNamesIt()
    {
        ITaskItem source = Item("package/libLibTorchSharp.so");
        File.Delete(source.ItemSpec);
        AssertError(source, "Could not find file");
    }

    [TestMethod]
    [Timeout(60_000)]
    public void RunsAtOnceAllSucceed()
    {
        ITaskItem source = Item("package/libLibTorchSharp.so");
        string copy = Run(source).Marked.Single().ItemSpec;
        const int threads = 8;
        for (int round = 0; round < 20; round++)
        {
            // No copy, or one of an earlier version.
            if (round % 2 == 0) File.Delete(copy);
            else File.WriteAllText(copy, "an earlier version");
            using var start = new Barrier(threads);
            var errors = new ConcurrentQueue<string>();
            Thread[] runs =
            [
                .. Enumerable.Range(0, threads).Select(_ => new Thread(() =>
                {
                    var engine = new Engine();
                    start.SignalAndWait();
                    if (!NewTask(engine, source).Execute()) errors.Enqueue(string.Join('\n', engine.Errors));
                })),
            ];
            foreach (Thread run in runs) run.Start();
            foreach (Thread run in runs) run.Join();
            CollectionAssert.AreEqual(Array.Empty<string>(), errors.ToArray());
            Assert.AreEqual(2, File.ReadAllBytes(copy)[TinyElf.Flags]);
            Assert.HasCount(1, Directory.GetFiles(_scratch.File("obj")));
        }
    }

    private void AssertError(ITaskItem source, string reason)
    {
        var engine = new Engine();
        MarkForOlderLinux task = NewTask(engine, source);
        Assert.IsFalse(task.Execute());
        string error = engine.Errors.Single();
        StringAssert.Contains(error, $"'{Path.GetFullPath(source.ItemSpec)}'");
        StringAssert.Contains(error, reason);
        Assert.IsFalse(Directory.Exists(_scratch.File("obj")));
    }

    private MarkForOlderLinux Run(params ITaskItem[] sources)
    {
        var engine = new Engine();
        MarkForOlderLinux task = NewTask(engine, sources);
        Assert.IsTrue(task.Execute(), string.Join('\n', engine.Errors));
        return task;
    }

    private MarkForOlderLinux NewTask(Engine engine, params ITaskItem[] sources) =>
        new() { BuildEngine = engine, Sources = sources, Folder = _scratch.File("obj") };

    private TaskItem Item(string name, params (string Name, string Value)[] metadata)
    {
        string file = _scratch.File(name);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllBytes(file, new TinyElf().Bytes);
        var item = new TaskItem(file);
        foreach ((string key, string value) in metadata) item.SetMetadata(key, value);
        return item;
    }

    private sealed class Engine : IBuildEngine
    {
        public List<string> Errors { get; } = [];

        public bool ContinueOnError => false;

        public int LineNumberOfTaskNode => 0;

        public int ColumnNumberOfTaskNode => 0;

        public string ProjectFileOfTaskNode => "";

        public bool BuildProjectFile(string project, string[] targets, IDictionary globalProperties, IDictionary outputs) => false;

        public void LogCustomEvent(CustomBuildEventArgs e)
        {
        }

        public void LogErrorEvent(BuildErrorEventArgs e) => Errors.Add(e.Message!);

        public void LogMessageEvent(BuildMessageEventArgs e)
        {
        }

        public void LogWarningEvent(BuildWarningEventArgs e)
        {
        }
    }
}
