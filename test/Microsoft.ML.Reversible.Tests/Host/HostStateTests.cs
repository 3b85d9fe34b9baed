namespace Microsoft.ML.Reversible.Tests.Host;

/// <summary>
/// A program's defaults and modes of TorchSharp change no result of the library, are as they were after each call, and do not reach what
/// the library has made once they are left.
/// </summary>
[TestClass]
[DoNotParallelize]
public sealed class HostStateTests
{
    private static readonly Dictionary<string, string> _expected = [];
    private static HostWork _work = null!;

    public static IEnumerable<object[]> Pairs =>
        from state in HostState.Names where state != HostState.Threads from work in HostWork.All.Keys select new object[] { state, work };

    public static IEnumerable<object[]> FailingPairs =>
        from state in HostState.Names from work in HostWork.Failures.Keys select new object[] { state, work };

    public static IEnumerable<object[]> States => HostState.Names.Select(state => new object[] { state });

    [ClassInitialize]
    public static void Train(TestContext _) => _work = new HostWork();

    [ClassCleanup]
    public static void Free() => _work.Dispose();

    [TestMethod]
    [DynamicData(nameof(Pairs))]
    public void ResultsAreThoseOfTheDefaultState(string state, string work)
    {
        if (!_expected.TryGetValue(work, out string? expected)) _expected[work] = expected = HostWork.All[work](_work);
        string result, before, after;
        using (HostState.Enter(state))
        {
            before = HostState.Now;
            result = HostWork.All[work](_work);
            after = HostState.Now;
        }
        Assert.AreEqual(expected, result);
        Assert.AreEqual(before, after);
    }

    /// <summary>Sums are split between threads, so another number of them rounds otherwise.</summary>
    [TestMethod]
    public void TheNumberOfThreadsIsTheCallers()
    {
        using var state = HostState.Enter(HostState.Threads);
        string before = HostState.Now;
        foreach (Func<HostWork, string> work in HostWork.All.Values) Assert.AreNotEqual("", work(_work));
        Assert.AreEqual(before, HostState.Now);
    }

    [TestMethod]
    [DynamicData(nameof(FailingPairs))]
    public void AnExceptionLeavesTheStateAsItWas(string state, string work)
    {
        Exception expected = Assert.Throws<Exception>(() => HostWork.Failures[work](_work));
        using (HostState.Enter(state))
        {
            string before = HostState.Now;
            Exception e = Assert.Throws<Exception>(() => HostWork.Failures[work](_work));
            Assert.AreEqual((expected.GetType(), expected.Message), (e.GetType(), e.Message));
            Assert.AreEqual(before, HostState.Now);
        }
    }

    /// <summary>Its tensors are no inference tensors, which training would refuse later, and no dispose scope owns them.</summary>
    [TestMethod]
    [DynamicData(nameof(States))]
    public void AModelThatWasLoadedInAStateIsUsedAndConvertedOutsideOfIt(string state)
    {
        using ReversibleLmTransformer expected = _work.LoadModel("teacher");
        ReversibleLmTransformer model;
        using (HostState.Enter(state)) model = _work.LoadModel("teacher");
        using (model) Assert.AreEqual(_work.Use(expected), _work.Use(model));
    }

    [TestMethod]
    [DynamicData(nameof(States))]
    public void NoTensorStaysBehindInAState(string state)
    {
        using (HostState.Enter(state))
        {
            HostWork.All["Retrofit"](_work);
            long before = TestModels.LiveTensors();
            foreach (string work in (string[])["Fit", "LoadPretrained, Llama", "ZeroShot", "Retrofit", "AnalyzeStability"])
                HostWork.All[work](_work);
            Assert.AreEqual(before, TestModels.LiveTensors());
        }
    }

    [TestMethod]
    public void EveryStateIsSeenAndLeft()
    {
        string before = HostState.Now;
        foreach (string state in HostState.Names)
        {
            using (HostState.Enter(state)) Assert.AreEqual(state == "a dispose scope", HostState.Now == before, state);
            Assert.AreEqual(before, HostState.Now, state);
        }
    }
}
