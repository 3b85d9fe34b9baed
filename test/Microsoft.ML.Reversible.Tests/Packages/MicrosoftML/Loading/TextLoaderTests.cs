using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.Loading;

[TestClass]
public class TextLoaderTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly string _folder = Directory.CreateTempSubdirectory("textloader-").FullName;

    [TestCleanup]
    public void DeleteFiles() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    public void ALineIsARowAndEmptyLinesAndCommentsAreNone()
    {
        var file = Write("a.txt", "# above the first row", "one  two ", "", "\"three\", four", "// never a row", "# five", "six");

        CollectionAssert.AreEqual(new[] { "one  two ", "\"three\", four", "# five", "six" },
            Texts(_ml.Data.LoadFromTextFile<TextRow>(file)));
    }

    [TestMethod]
    public void SpacesAreLostBeforeAFieldAndKeptAfterIt()
    {
        var file = Write("a.txt", "  one ", "   ", "\ttwo");

        CollectionAssert.AreEqual(new[] { "one ", "", "" }, Texts(_ml.Data.LoadFromTextFile<TextRow>(file)));
        CollectionAssert.AreEqual(new[] { "one ", "", "\ttwo" }, Texts(_ml.Data.LoadFromTextFile<TextRow>(file, separatorChar: '|')));
        CollectionAssert.AreEqual(new[] { "one" }, Texts(_ml.Data.LoadFromTextFile<TextRow>(file, trimWhitespace: true)).Take(1).ToArray());
    }

    [TestMethod]
    public void TheSeparatorIsATabUnlessAnotherIsNamed()
    {
        var file = Write("a.txt", "one\t1.5\t2.5", "two\t3\t");

        var rows = _ml.Data.CreateEnumerable<NumberRow>(_ml.Data.LoadFromTextFile<NumberRow>(file), reuseRowObject: false).ToArray();

        Assert.AreEqual("one", rows[0].Text);
        CollectionAssert.AreEqual(new[] { 1.5f, 2.5f }, rows[0].Numbers);
        CollectionAssert.AreEqual(new[] { 3f, 0f }, rows[1].Numbers);
        CollectionAssert.AreEqual(new[] { "one\t1.5\t2.5", "two\t3\t" },
            Texts(_ml.Data.LoadFromTextFile<TextRow>(file, separatorChar: '|')));
    }

    [TestMethod]
    public void AHeaderIsNoRow()
    {
        var file = Write("a.txt", "Name", "one");

        CollectionAssert.AreEqual(new[] { "one" }, Texts(_ml.Data.LoadFromTextFile<TextRow>(file, hasHeader: true)));
    }

    [TestMethod]
    public void QuotesGroupOnlyWhereTheyAreAllowed()
    {
        var file = Write("a.csv", "\"one, \"\"two\"\"\",3");

        CollectionAssert.AreEqual(new[] { "one, \"two\"" },
            Texts(_ml.Data.LoadFromTextFile<TextRow>(file, separatorChar: ',', allowQuoting: true)));
        CollectionAssert.AreEqual(new[] { "\"one" }, Texts(_ml.Data.LoadFromTextFile<TextRow>(file, separatorChar: ',')));
    }

    [TestMethod]
    public void ColumnsMayBeNamedWithoutAClass()
    {
        var file = Write("a.txt", "one\t1\t2", "two\t3\t4");
        var data = _ml.Data.LoadFromTextFile(file, [new("Text", DataKind.String, 0), new("Numbers", DataKind.Int32, 1, 2)]);

        Assert.IsTrue(data.Schema["Numbers"].Type.Equals(new VectorDataViewType(NumberDataViewType.Int32, 2)));
        CollectionAssert.AreEqual(new[] { 3, 4 }, data.GetColumn<int[]>("Numbers").Last());
        CollectionAssert.AreEqual(new[] { "one", "two" }, Texts(data));
    }

    [TestMethod]
    public void SeveralFilesAreReadOneAfterTheOther()
    {
        var loader = _ml.Data.CreateTextLoader<TextRow>();

        CollectionAssert.AreEqual(new[] { "one", "two" }, Texts(loader.Load(Write("a.txt", "one"), Write("b.txt", "two"))));
        Assert.AreEqual("Text", loader.GetOutputSchema().Single().Name);
    }

    [TestMethod]
    public void NoMoreRowsAreReadThanAsked()
    {
        var file = Write("a.txt", "one", "two", "three");
        var options = new TextLoader.Options { MaxRows = 2, Columns = [new("Text", DataKind.String, 0)] };

        CollectionAssert.AreEqual(new[] { "one", "two" }, Texts(_ml.Data.LoadFromTextFile(file, options)));
    }

    private static string[] Texts(IDataView data) => data.GetColumn<string>("Text").ToArray();

    private string Write(string name, params string[] lines)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllLines(path, lines);
        return path;
    }

    private sealed class TextRow
    {
        [LoadColumn(0)]
        public string Text { get; set; } = "";
    }

    private sealed class NumberRow
    {
        [LoadColumn(0)]
        public string Text { get; set; } = "";

        [LoadColumn(1, 2)]
        public float[] Numbers { get; set; } = [];
    }
}
