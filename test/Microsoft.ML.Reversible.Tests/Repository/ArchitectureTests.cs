namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>Tests that the folders of the library depend on each other in one direction.</summary>
[TestClass]
public sealed class ArchitectureTests
{
    private static readonly Lazy<SourceGraph> _graph = new(() => SourceGraph.Of(LibrarySource.Files()));

    [TestMethod]
    public void SourceIsReadWhole() => AssertNone(_graph.Value.Errors.Where(error => !error.Contains("CS8795", StringComparison.Ordinal)));

    [TestMethod]
    public void NoFolderRefersToAFolderAboveIt() => AssertNone(FolderRules.ForbiddenReferences(_graph.Value));

    [TestMethod]
    public void NoTwoFoldersReferToEachOther() => AssertNone(FolderRules.MutualReferences(_graph.Value));

    [TestMethod]
    public void AFolderIsANamespaceExceptForPublicTypes() =>
        AssertNone(LibrarySource.Files().SelectMany(file => FolderRules.InText(file.Path, file.Source)));

    [TestMethod]
    public void EveryFolderHasARuleAndIsInTheContributorsTable()
    {
        string[] folders = [.. LibrarySource.Files().Select(file => file.Path.Split('/')[0]).Distinct()];
        CollectionAssert.AreEquivalent(folders, FolderRules.Folders.ToArray());
        CollectionAssert.AreEquivalent(
            folders, Document.Open("docs/contributing.md").Rows("folder", "may refer to").SelectMany(row => row[0].Split(", ")).ToArray());
    }

    [TestMethod]
    public void APlantedViolationIsFound()
    {
        const string planted = """
            namespace Microsoft.ML.Reversible.Schemes;

            internal static class Planted
            {
                public static object Trainer(ReversibleLmTrainer trainer) => trainer;
            }
            """;
        SourceGraph graph = SourceGraph.Of([.. LibrarySource.Files(), ("Schemes/Planted.cs", planted)]);

        string[] forbidden = [.. FolderRules.ForbiddenReferences(graph)];
        Assert.HasCount(1, forbidden.Distinct());
        StringAssert.StartsWith(forbidden[0], "Schemes/Planted.cs:5: Schemes must not refer to Language: ");
        CollectionAssert.AreEqual(new[] { "Language and Schemes refer to each other" }, FolderRules.MutualReferences(graph).ToArray());
    }

    [TestMethod]
    [DataRow("Stack/A.cs", "using Microsoft.ML.Reversible.Models;", "Stack/A.cs: Stack must not use the namespace of Models")]
    [DataRow("Models/A.cs", "using Microsoft.ML.Reversible.Stack;", null)]
    [DataRow("Training/A.cs", "class A { Microsoft.ML.IDataView B; }", "Training/A.cs: Training must not know IDataView")]
    [DataRow(
        "Stack/A.cs", "namespace Microsoft.ML.Reversible.Models; class A;",
        "Stack/A.cs: A is in the namespace Microsoft.ML.Reversible.Models")]
    [DataRow(
        "Stack/A.cs", "namespace Microsoft.ML.Reversible.Stack; public class A;",
        "Stack/A.cs: A is in the namespace Microsoft.ML.Reversible.Stack")]
    [DataRow("Stack/A.cs", "namespace Microsoft.ML.Reversible; public class A;", null)]
    public void AFileAgainstTheRulesIsFound(string path, string source, string? finding) =>
        CollectionAssert.AreEqual(finding is null ? [] : new[] { finding }, FolderRules.InText(path, source).ToArray());

    private static void AssertNone(IEnumerable<string> findings)
    {
        string[] found = [.. findings.Distinct()];
        Assert.IsEmpty(found, string.Join('\n', found));
    }
}
