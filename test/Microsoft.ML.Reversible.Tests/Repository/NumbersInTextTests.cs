namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>Tests that numbers in messages and files do not depend on the user's culture.</summary>
[TestClass]
public sealed class NumbersInTextTests
{
    [TestMethod]
    public void NoInterpolatedStringOfTheLibraryWritesNumbersInTheUsersCulture()
    {
        if (SourceTree.Around(AppContext.BaseDirectory) is not { } tree)
        {
            Assert.Inconclusive("The tests do not run from within the repository.");
            return;
        }
        string folder = Path.Combine(tree.Root, "src") + Path.DirectorySeparatorChar;
        (string, string)[] files =
        [
            .. tree.Files([".cs"]).Where(file => file.StartsWith(folder, StringComparison.Ordinal))
                .Select(file => (Path.GetRelativePath(tree.Root, file), File.ReadAllText(file))),
        ];
        Assert.IsGreaterThan(20, files.Length);
        string[] found = [.. NumbersInText.OfCulture(files)];
        Assert.IsEmpty(found, string.Join('\n', found));
    }

    [TestMethod]
    [DataRow("$\"{x}\"", true)]
    [DataRow("$\"{x:F2}\"", true)]
    [DataRow("$\"{(double?)x}\"", true)]
    [DataRow("$\"{n:N0}\"", true)]
    [DataRow("$\"{n}\"", false)]
    [DataRow("$\"{n:D4}\"", false)]
    [DataRow("$\"{s}\"", false)]
    [DataRow("string.Create(System.Globalization.CultureInfo.InvariantCulture, $\"{x}\")", false)]
    [DataRow("string.Create(System.Globalization.CultureInfo.InvariantCulture, $\"{x}\" + ($\"{x}\"))", false)]
    [DataRow("string.Create(null, $\"{s}\") + $\"{x:R}\"", true)]
    public void AStringInTheUsersCultureIsFound(string text, bool found)
    {
        string source = $"class A {{ string B(double x, int n, string s) => {text}; }}";
        Assert.AreEqual(found, NumbersInText.OfCulture([("a.cs", source)]).Any());
    }
}
