using Microsoft.ML.Reversible.Evaluation;

namespace Microsoft.ML.Reversible;

public static partial class ZeroShotTasks
{
    private const string MmluName = "mmlu";
    private const string Continuation = "_continuation";

    /// <summary>The 57 subjects of MMLU, such as <c>abstract_algebra</c>, in the order of the alphabet.</summary>
    public static IReadOnlyList<string> MmluSubjects { get; } = [.. Evaluation.MmluSubjects.Fields.Keys.Order(StringComparer.Ordinal)];

    /// <summary>
    /// <c>mmlu_</c> and the subject: exam questions with four choices, which are shown; the answers are the letters A to D. Column of text
    /// <c>question</c>, vector of text <c>choices</c>, and the integer <c>answer</c>, 0 to 3. Published numbers mostly have five examples.
    /// </summary>
    /// <param name="subject">One of <see cref="MmluSubjects"/>.</param>
    /// <exception cref="ArgumentException">There is no such subject.</exception>
    public static ZeroShotTask Mmlu(string subject) => OfSubject(subject, "");

    /// <summary>
    /// <c>mmlu_</c>, the subject and <c>_continuation</c>: the same questions and columns, but the choices are not shown, and their texts
    /// are scored.
    /// </summary>
    /// <param name="subject">One of <see cref="MmluSubjects"/>.</param>
    /// <exception cref="ArgumentException">There is no such subject.</exception>
    public static ZeroShotTask MmluContinuation(string subject) => OfSubject(subject, Continuation);

    /// <summary>The subject of a task of MMLU.</summary>
    internal static string SubjectOf(ZeroShotTask task)
    {
        string subject = task.Name[(MmluName.Length + 1)..];
        return subject.EndsWith(Continuation, StringComparison.Ordinal) ? subject[..^Continuation.Length] : subject;
    }

    private static ZeroShotTask OfSubject(string subject, string ending)
    {
        ArgumentNullException.ThrowIfNull(subject);
        return _byName.TryGetValue($"{MmluName}_{subject}{ending}", out ZeroShotTask? task)
            ? task
            : throw new ArgumentException(
                $"MMLU has no subject '{subject}'. {nameof(ZeroShotTasks)}.{nameof(MmluSubjects)} lists them.", nameof(subject));
    }

    private static IEnumerable<ZeroShotTask> MmluTasks()
    {
        foreach ((string subject, string field) in Evaluation.MmluSubjects.Fields)
        {
            string words = subject.Replace('_', ' ');
            yield return new($"{MmluName}_{subject}", ZeroShotKind.MultipleChoice, TaskColumns.Mmlu, TaskItems.Mmlu)
            {
                Groups = [MmluName, $"{MmluName}_{field}"],
                Description = $"The following are multiple choice questions (with answers) about {words}.\n\n",
                Metrics = [ZeroShotMetricNames.Accuracy],
                ChoiceNames = ["A", "B", "C", "D"],
                IsBuiltIn = true,
            };
        }
        foreach ((string subject, string field) in Evaluation.MmluSubjects.Fields)
        {
            string name = $"{MmluName}_{subject}{Continuation}";
            yield return new(name, ZeroShotKind.MultipleChoice, TaskColumns.Mmlu, TaskItems.MmluContinuation)
            {
                Groups = [MmluName + Continuation, $"{MmluName}_{field}{Continuation}"],
                Description = $"The following are questions (with answers) about {subject.Replace('_', ' ')}.\n\n",
                ChoiceNames = ["A", "B", "C", "D"],
                IsBuiltIn = true,
            };
        }
    }
}
