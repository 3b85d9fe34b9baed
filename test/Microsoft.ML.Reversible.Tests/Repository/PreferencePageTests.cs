using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Tests.FineTuning;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>Runs the program of docs/preferences.md, and compares its lists with the code.</summary>
[TestClass]
public sealed class PreferencePageTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly ScratchFolder _scratch = new();

    private static Document Page => Document.Open("docs/preferences.md");

    [TestCleanup]
    public void Delete() => _scratch.Dispose();

    [TestMethod]
    public void TheProgramRunsAndGivesTheFiguresOfTheTable()
    {
        Preferences.Write(_scratch.File("pairs.jsonl"));
        TrainingProgress last = PreferenceSnippets.Align(_scratch.File("pairs.jsonl"), Chats.Folder, _scratch.File("aligned"));
        CollectionAssert.AreEquivalent(
            Page.Rows("figure", "meaning").SelectMany(row => row[0].Split(", ")).ToArray(), last.ValidationFigures.Keys.ToArray());
        _ml.Reversible().LoadPretrained(_scratch.File("aligned")).Dispose();
    }

    [TestMethod]
    public void TheLinesOfThePageAreRead()
    {
        File.WriteAllText(_scratch.File("pairs.jsonl"), Page.Blocks("json").Single());
        IDataView pairs = _ml.Reversible().LoadPreferences(_scratch.File("pairs.jsonl"));
        CollectionAssert.AreEqual(new[] { "Hello", "Hello", "Hello" }, pairs.GetColumn<string>("Chosen").ToArray());
        CollectionAssert.AreEqual(new[] { "Go away", "Go away", "Go away" }, pairs.GetColumn<string>("Rejected").ToArray());
        foreach (string[] texts in pairs.GetColumn<string[]>("Texts")) CollectionAssert.AreEqual(new[] { "Hi" }, texts);
    }
}
