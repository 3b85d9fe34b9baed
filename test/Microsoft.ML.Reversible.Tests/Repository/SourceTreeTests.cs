using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Reversible.Tests.Repository;

[TestClass]
public class SourceTreeTests
{
    [TestMethod]
    public void No_source_file_is_longer_than_the_limit() => AssertNone(tree => tree.LongFiles());

    [TestMethod]
    public void No_source_line_is_longer_than_the_limit() => AssertNone(tree => tree.LongLines());

    [TestMethod]
    public void No_source_line_ends_in_space() => AssertNone(tree => tree.LinesThatEndInSpace());

    [TestMethod]
    public void No_file_names_a_path_of_one_machine() => AssertNone(tree => tree.LinesWithMachinePaths());

    [TestMethod]
    public void Long_file_is_found()
    {
        using var folder = new ScratchFolder();
        folder.Write("short.cs", string.Concat(Enumerable.Repeat("//\n", 350)));
        folder.Write("long.cs", string.Concat(Enumerable.Repeat("//\n", 351)));
        folder.Write("obj/made.cs", string.Concat(Enumerable.Repeat("//\n", 351)));

        CollectionAssert.AreEqual(new[] { "long.cs: 351 lines" }, new SourceTree(folder.Path).LongFiles().ToArray());
    }

    [TestMethod]
    public void Long_line_and_space_at_its_end_are_found()
    {
        using var folder = new ScratchFolder();
        folder.Write("a.cs", new string('é', 140) + "\n" + new string('é', 141) + "\n    \n");

        var tree = new SourceTree(folder.Path);
        CollectionAssert.AreEqual(new[] { "a.cs:2: 141 characters" }, tree.LongLines().ToArray());
        CollectionAssert.AreEqual(new[] { "a.cs:3" }, tree.LinesThatEndInSpace().ToArray());
    }

    [TestMethod]
    [DataRow("/home/", "ada/model", true)]
    [DataRow("\"/mnt/", "model\"", true)]
    [DataRow("C:\\Us", "ers\\ada", true)]
    [DataRow("docs/home/", "page.md", false)]
    [DataRow("$HOME/data/", "model", false)]
    [DataRow("/usr/lib/", "libtorch.so", false)]
    public void Path_of_one_machine_is_found(string start, string rest, bool found)
    {
        using var folder = new ScratchFolder();
        folder.Write("a.cs", "// first\n" + start + rest + "\n");

        string[] expected = found ? [$"a.cs:2: {start}{rest}"] : [];

        CollectionAssert.AreEqual(expected, new SourceTree(folder.Path).LinesWithMachinePaths().ToArray());
    }

    private static void AssertNone(Func<SourceTree, IEnumerable<string>> findings)
    {
        var tree = SourceTree.Around(AppContext.BaseDirectory);
        if (tree is null)
        {
            Assert.Inconclusive("The tests do not run from within the repository.");
        }

        var found = findings(tree!).ToArray();
        if (found.Length > 0)
        {
            Assert.Fail(string.Join('\n', found));
        }
    }

    private sealed class ScratchFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("source-tree-").FullName;

        public void Write(string name, string text)
        {
            var file = System.IO.Path.Combine(Path, name);
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(file)!);
            File.WriteAllText(file, text);
        }

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
