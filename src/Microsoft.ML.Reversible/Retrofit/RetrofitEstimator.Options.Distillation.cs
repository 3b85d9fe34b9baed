using Microsoft.ML.Reversible.Losses;

namespace Microsoft.ML.Reversible;

public sealed partial class RetrofitEstimator
{
    public sealed partial class Options
    {
        /// <summary>
        /// Whether the student is trained to answer as the teacher does; false converts it and no more, which is enough for a blend of
        /// 1/16. Options of the training are then refused.
        /// </summary>
        public bool Distill { get; set; } = true;

        /// <summary>What the student's distance from the teacher is measured by.</summary>
        public Divergence Divergence { get; set; } = Divergence.ForwardKl;

        /// <summary>
        /// The teacher's share of the mixture of <see cref="Divergence.JensenShannon"/>, within (0, 1); refused with another divergence.
        /// </summary>
        public double JensenShannonWeight { get; set; } = 0.5;

        /// <summary>What both models' logits are divided by for the divergence, positive and finite.</summary>
        public double Temperature { get; set; } = 1;

        /// <summary>
        /// The weight of the cross-entropy of the text itself, within [0, 1]; the divergence has the rest, times the squared temperature.
        /// At 1 there is no rest, and what is set of the divergence is refused.
        /// </summary>
        public double CrossEntropyWeight { get; set; }

        /// <summary>
        /// The weight of the squared difference between streams of the student and the teacher's, relative to the teacher's mean square;
        /// at least 0, 0 leaves it out.
        /// </summary>
        public double HiddenStateWeight { get; set; }

        /// <summary>
        /// The streams that <see cref="HiddenStateWeight"/> compares; null pairs each layer's with the same layer's.
        /// </summary>
        public IReadOnlyList<LayerPair>? LayerMap { get; set; }

        /// <summary>
        /// How many of the teacher's largest logits of each token are kept on disk, so that later epochs do without the teacher; at least
        /// 0, 0 asks the teacher each time. The training windows then lie at the same places in every epoch.
        /// </summary>
        public int TeacherTopK { get; set; }

        /// <summary>
        /// The file for <see cref="TeacherTopK"/>, used again where teacher and data are the same; null takes a temporary one.
        /// </summary>
        public string? TeacherCachePath { get; set; }

        internal DistillationLoss Loss => new(Divergence, Temperature, CrossEntropyWeight, JensenShannonWeight);
    }
}
