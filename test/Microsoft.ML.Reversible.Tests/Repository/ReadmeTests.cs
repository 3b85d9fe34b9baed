namespace Microsoft.ML.Reversible.Tests.Repository;

[TestClass]
public sealed class ReadmeTests
{
    [TestMethod]
    public void TheReadmesProgramIsTheOneThatIsTested()
    {
        SourceTree? tree = SourceTree.Around(AppContext.BaseDirectory);
        if (tree is null) Assert.Inconclusive("The tests run outside of the source tree.");
        string root = tree.Root;
        string[] readme = Between(File.ReadAllLines(Path.Combine(root, "README.md")), "```csharp", "```");
        string source = Path.Combine(root, "test", "Microsoft.ML.Reversible.Tests", "Repository", "ReadmeSnippet.cs");
        string[] tested = Between(File.ReadAllLines(source), "// <readme>", "// </readme>");
        CollectionAssert.AreEqual(tested.Select(line => line.Length > 8 ? line[8..] : "").ToArray(), readme);
    }

    [TestMethod]
    public void TheReadmesProgramRuns()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("reversible-test-");
        try
        {
            (float surprise, ITransformer loaded) = ReadmeSnippet.Run(Corpus.Rows, folder.FullName);
            Assert.AreEqual(surprise, Corpus.Scores(new MLContext(), loaded, Corpus.Rows[0]).Single().Perplexity);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string[] Between(string[] lines, string first, string last) =>
        [.. lines.SkipWhile(line => line.Trim() != first).Skip(1).TakeWhile(line => line.Trim() != last)];
}
