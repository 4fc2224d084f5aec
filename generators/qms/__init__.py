"""QMS (Jia et al. 2024): from an equation or section of the paper to the file and the function here.

===================  ===============================================  ====================================
Paper                What                                             File: function or class
===================  ===============================================  ====================================
eq. 1 (III-B1)       T: the transcript, encoded by the backbone       model.py: QMS.views
eq. 1 (III-B1)       V: the frames, encoded by an encoder of its own  fusion.py: EntityAware.encode_frames
eq. 1 (III-B1)       Enc_v: as the text encoder, with random weights  model.py: visual_encoder
eq. 2, 3 (III-B2)    E: words attend to frames                        fusion.py: Attention.forward
eq. 4 (III-B2)       h: a perceptron scores each word                 fusion.py: EntityAware.views
eq. 5 (III-B2)       m: words with h >= tau                           fusion.py: EntityAware.select
eq. 6 (III-B2)       T_e: the columns of T that m selects             fusion.py: entities
eq. 7 (III-B2)       M = [V; T; T_e]                                  fusion.py: join
eq. 8 (III-B3)       the decoder attends to M                         model.py: QMS.logits
eq. 9 (III-C1)       y: a label for each word of a transcript         entities.py: label_transcripts
eq. 10 (III-C1)      L_c: binary cross-entropy of h with y            model.py: entity_loss
eq. 11, 12 (III-C2)  s_j: similarity of each query to the mean        sampling.py: similarities
eq. 11 (IV-A3)       the vectors of queries                           comparison.py: Encoder
eq. 13, 14 (III-C2)  p_j: probability of each query                   sampling.py: probabilities
eq. 14 (III-C2)      the target, drawn by p_j                         sampling.py: Sampled.pick
eq. 15 (III-C2)      the overlap of two texts                         confidence.py: dice
eq. 15 (III-C2)      U_v, U_t: the best overlap with a query          model.py: QMS.scores
eq. 16 (III-C2)      L_g, L_g^v, L_g^t: three passes of the decoder   model.py: QMS.generation
eq. 17 (III-C2)      the mean of the three, weighted by U             model.py: weighted
eq. 18 (III-C3)      the whole loss                                   model.py: QMS.forward
eq. 18 (III-C3)      beta as decoupled weight decay                   row.py: QMSRow.weight_decay
III-D                generation of a summary                          row.py: QMSRow.summarize
IV-D1 (Table IV)     the ablations                                    parts.py: Parts
IV-D2 (Table VI)     the backbones BART and Transformer               backbones/bart.py: BartBackbone
IV-D2 (Table VI)     the backbone mT5                                 backbones/mt5.py: MT5Backbone
===================  ===============================================  ====================================
"""
