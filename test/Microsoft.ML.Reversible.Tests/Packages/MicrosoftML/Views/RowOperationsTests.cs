using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.ThirdParty;

namespace Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.Views;

[TestClass]
public class RowOperationsTests
{
    private static readonly string[] _words = Enumerable.Range(0, 200).Select(i => $"w{i}").ToArray();

    private readonly MLContext _ml = new(seed: 1);
    private readonly WordsView _data = new("Word", _words);

    [TestMethod]
    public void RowsAreTakenAndSkippedFromTheStart()
    {
        CollectionAssert.AreEqual(_words[..3], Words(_ml.Data.TakeRows(_data, 3)));
        CollectionAssert.AreEqual(_words[197..], Words(_ml.Data.SkipRows(_data, 197)));
        CollectionAssert.AreEqual(_words[2..5], Words(_ml.Data.TakeRows(_ml.Data.SkipRows(_data, 2), 3)));
    }

    [TestMethod]
    public void ShufflingKeepsTheRowsAndRepeatsForASeed()
    {
        var once = Words(_ml.Data.ShuffleRows(_data, seed: 5));
        var again = Words(_ml.Data.ShuffleRows(_data, seed: 5));

        CollectionAssert.AreEquivalent(_words, once);
        CollectionAssert.AreNotEqual(_words, once);
        CollectionAssert.AreEqual(once, again);
    }

    [TestMethod]
    public void ASplitPutsEveryRowOnOneSide()
    {
        var split = _ml.Data.TrainTestSplit(_data, testFraction: 0.3, seed: 7);
        var train = Words(split.TrainSet);
        var test = Words(split.TestSet);

        CollectionAssert.AreEquivalent(_words, train.Concat(test).ToArray());
        Assert.IsTrue(test.Length is > 20 and < 120, $"{test.Length} of 200 rows in the test set");
        CollectionAssert.AreEqual(train, Words(split.TrainSet));
        CollectionAssert.AreEqual(test, Words(_ml.Data.TrainTestSplit(_data, testFraction: 0.3, seed: 7).TestSet));
    }

    [TestMethod]
    public void ASplitByAKeyKeepsEqualKeysTogether()
    {
        var data = _ml.Data.LoadFromEnumerable(_words.Select((w, i) => new Keyed { Word = w, Group = $"g{i % 20}" }).ToArray());
        var split = _ml.Data.TrainTestSplit(data, testFraction: 0.5, samplingKeyColumnName: "Group", seed: 3);

        var train = split.TrainSet.GetColumn<string>("Group").ToHashSet();
        var test = split.TestSet.GetColumn<string>("Group").ToHashSet();

        Assert.IsFalse(train.Overlaps(test));
        Assert.AreEqual(20, train.Count + test.Count);
    }

    [TestMethod]
    public void ACacheReadsItsSourceOnceForAColumn()
    {
        var cached = _ml.Data.Cache(_data);
        Words(cached);
        var opened = _data.CursorsOpened;
        CollectionAssert.AreEqual(_words, Words(cached));

        Assert.AreEqual(opened, _data.CursorsOpened);
        Assert.AreEqual(200L, cached.GetRowCount());
    }

    [TestMethod]
    public void RowsAreFilteredFromTheLowerBoundToBelowTheUpper()
    {
        var data = _ml.Data.LoadFromEnumerable(new[] { 1f, 2f, 3f, float.NaN }.Select(n => new Number { Value = n }).ToArray());

        CollectionAssert.AreEqual(new[] { 1f, 2f }, _ml.Data.FilterRowsByColumn(data, "Value", 1, 3).GetColumn<float>("Value").ToArray());
    }

    private static string[] Words(IDataView data) => data.GetColumn<string>("Word").ToArray();

    private sealed class Keyed
    {
        public string Word { get; set; } = "";

        public string Group { get; set; } = "";
    }

    private sealed class Number
    {
        public float Value { get; set; }
    }
}
