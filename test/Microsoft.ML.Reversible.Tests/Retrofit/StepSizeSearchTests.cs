using Microsoft.ML.Reversible.Retrofit;

namespace Microsoft.ML.Reversible.Tests.Retrofit;

[TestClass]
public sealed class StepSizeSearchTests
{
    [TestMethod]
    [DataRow(0.13)]
    [DataRow(0.5)]
    [DataRow(0.77)]
    [DataRow(1.95)]
    public void OneValleyIsFound(double lowest)
    {
        List<double> asked = [];
        var tried = StepSizeSearch.Minimize(
            h =>
            {
                asked.Add(h);
                return Math.Abs(Math.Log(h / lowest));
            },
            distance => distance);
        Assert.AreEqual(1, tried.MinBy(t => t.Result).StepSize / lowest, 0.02);
        CollectionAssert.AreEqual(asked.Order().ToArray(), tried.Select(t => t.StepSize).ToArray());
        CollectionAssert.AllItemsAreUnique(asked);
        foreach (double stepSize in asked) Assert.AreEqual(double.Parse($"{stepSize:G4}"), stepSize);
        Assert.IsLessThan(20, asked.Count);
    }

    [TestMethod]
    [DataRow(0.01, 0.125)]
    [DataRow(100, 2)]
    public void BeyondTheGridItsEndIsTaken(double lowest, double end)
    {
        var tried = StepSizeSearch.Minimize(h => Math.Abs(Math.Log(h / lowest)), distance => distance);
        Assert.AreEqual(end, tried.MinBy(t => t.Result).StepSize, 1e-12);
    }

    [TestMethod]
    public void StepSizesThatDivergeAreNotTaken()
    {
        var tried = StepSizeSearch.Minimize(h => h > 0.3 ? double.PositiveInfinity : 1 / h, distance => distance);
        Assert.AreEqual(0.3, tried.MinBy(t => t.Result).StepSize, 0.006);
    }
}
