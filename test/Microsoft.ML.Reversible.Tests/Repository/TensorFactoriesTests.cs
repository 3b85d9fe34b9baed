namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>Tests that the library names the type and the device of each tensor, because a program may have set other defaults.</summary>
[TestClass]
public sealed class TensorFactoriesTests
{
    [TestMethod]
    public void NoTensorOfTheLibraryIsLeftToTheDefaults()
    {
        if (SourceTree.Around(AppContext.BaseDirectory) is not { } tree)
        {
            Assert.Inconclusive("The tests do not run from within the repository.");
            return;
        }
        string library = Path.Combine(tree.Root, "src") + Path.DirectorySeparatorChar;
        string[] files = [.. tree.Files([".cs"]).Where(file => file.StartsWith(library, StringComparison.Ordinal))];
        Assert.IsGreaterThan(100, files.Length);
        string[] found =
        [
            .. from file in files
               from call in TensorFactories.LeftToDefaults(File.ReadAllText(file))
               select $"{Path.GetRelativePath(tree.Root, file)}:{call}",
        ];
        Assert.IsEmpty(found, string.Join('\n', found));
    }

    [TestMethod]
    [DataRow("zeros(3, device: d)", false)]
    [DataRow("torch.zeros(3, dtype: t)", false)]
    [DataRow("zeros(3, dtype: t, device: d)", true)]
    [DataRow("randn([2], generator: g)", false)]
    [DataRow("tensor(ids)", false)]
    [DataRow("tensor(ids, device: d)", true)]
    [DataRow("zeros_like(x)", true)]
    [DataRow("list.range(3)", true)]
    public void ACallWithoutItsTypeOrDeviceIsFound(string call, bool named)
    {
        string[] expected = named ? [] : [$"3: {call}"];
        string source = $"class A\n{{\n    object B() => {call};\n}}\n";
        CollectionAssert.AreEqual(expected, TensorFactories.LeftToDefaults(source).ToArray());
    }
}
